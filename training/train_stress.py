"""Trains what tells which syllable of a word was stressed (workers/phoneme/stress.ts runs it).

It sees what dump-prosody.ts wrote of the words with several syllables. A linear discriminant: each measure of a syllable is
compared with what is usual for its vowel and its place in the word, so that neither of them speaks for stress; what is left is
weighed by how far stressed and unstressed ones lie apart. Learned from the words whose stress the experts found right.
Writes OUT_DIR/stress.json (all speakers), OUT_DIR/fold<k>/stress.json (fold k left out) and OUT_DIR/stress-check.json.
"""
import argparse
import json
import os

import numpy as np

# How likely the right syllable has to be for it to be told that it was stressed.
RIGHT = 0.6
# Of the words that the experts found right, this share may be told to be wrong.
FALSELY_WRONG = 0.03


def table(words, vowels):
    """A row per syllable: what its measures are explained by (vowel, place, silence after it, stress), and the measures."""
    explained, measures = [], []
    for w in words:
        last = len(w["vowels"]) - 1
        for k, (vowel, own) in enumerate(zip(w["vowels"], w["measures"])):
            row = np.zeros(len(vowels) + 3)
            row[vowels.index(vowel)] = 1
            row[-3:] = k / last - 0.5, w["atEnd"] and k == last, (k == w["expected"]) - 0.5
            explained.append(row)
            measures.append(own)
    return np.array(explained), np.array(measures)


def train(words):
    vowels = sorted({v for w in words for v in w["vowels"]})
    x, y = table(words, vowels)
    few = np.diag([3.0] * len(vowels) + [1e-3] * 3)  # rare vowels stay near the middle
    effects = np.linalg.solve(x.T @ x + few, x.T @ y)
    left = y - x @ effects
    weights = np.linalg.solve(np.cov(left.T) + 1e-6 * np.eye(y.shape[1]), effects[-1])
    return {
        "usual": {v: effects[i].tolist() for i, v in enumerate(vowels)},
        "place": effects[-3].tolist(),
        "atEnd": effects[-2].tolist(),
        "weights": weights.tolist(),
    }


def judge(model, w):
    last = len(w["vowels"]) - 1
    evidence = []
    for k, (vowel, own) in enumerate(zip(w["vowels"], w["measures"])):
        usual = np.array(model["usual"].get(vowel, np.zeros(len(own)))) + np.array(model["place"]) * (k / last - 0.5)
        if w["atEnd"] and k == last:
            usual = usual + model["atEnd"]
        evidence.append(float(np.dot(model["weights"], np.array(own) - usual)))
    parts = np.exp(np.array(evidence) - max(evidence))
    return parts / parts.sum()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--dump", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--folds", type=int, default=3)
    a = p.parse_args()
    dump = json.load(open(a.dump))
    words = dump["words"]
    speakers = sorted({r["spk"] for r in dump["rows"]})
    fold_of = np.array([speakers.index(w["spk"]) % a.folds for w in words])
    right = np.array([w["rated"] == 10 for w in words])
    own, other = np.zeros(len(words)), np.zeros(len(words))
    models = [train([w for w, f, r in zip(words, fold_of, right) if f != fold and r]) for fold in range(a.folds)]
    for fold, model in enumerate(models):
        for i in np.flatnonzero(fold_of == fold):
            likely = judge(model, words[i])
            own[i] = likely[words[i]["expected"]]
            other[i] = np.delete(likely, words[i]["expected"]).max()
    clear = {"right": RIGHT, "wrong": float(np.quantile(other[right], 1 - FALSELY_WRONG))}
    rank = np.argsort(np.argsort(other - own)) + 1
    wrong = ~right
    auc = (rank[wrong].sum() - wrong.sum() * (wrong.sum() + 1) / 2) / (wrong.sum() * right.sum())
    print(f"{len(words)} words, of which {wrong.sum()} with a stress that the experts found wrong; these rank higher: AUC {auc:.3f}")
    for name, rows in (("right", right), ("wrong", wrong)):
        told = (own[rows] >= clear["right"]).mean(), (other[rows] >= clear["wrong"]).mean()
        print(f"found {name}: likeliest is the expected one {(own > other)[rows].mean():.3f}, told right {told[0]:.3f}, told wrong {told[1]:.3f}")
    model = {**train([w for w, r in zip(words, right) if r]), "clear": clear}
    for fold, held in enumerate(models):
        os.makedirs(os.path.join(a.out, f"fold{fold}"), exist_ok=True)
        json.dump({**held, "clear": clear}, open(os.path.join(a.out, f"fold{fold}", "stress.json"), "w"))
    json.dump(model, open(os.path.join(a.out, "stress.json"), "w"))
    cases = [{**{k: w[k] for k in ("vowels", "measures", "atEnd")}, "likely": judge(model, w).tolist()} for w in words[::300]]
    json.dump({"cases": cases}, open(os.path.join(a.out, "stress-check.json"), "w"))


if __name__ == "__main__":
    main()
