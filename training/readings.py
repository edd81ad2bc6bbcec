"""What dump-head.ts wrote, as arrays and batches: one sentence's phones as they were told live ("x") and as the whole sentence shows them ("whole")."""
import json

import numpy as np
import torch

CLASSES = 40
# Of a phone of a whole sentence each model tells the classes' means and so many numbers more; the rest does not depend on the model.
QUALITIES = 12


def prepare(sequence, rows, whole, view):
    """Turns a dumped sequence's lists into arrays once, since every epoch needs them."""
    word = np.array(sequence["word"])
    ids = np.unique(word)
    members = (word[None] == ids[:, None]).astype(np.float32)
    start = sequence["row"]
    score = np.array(sequence["wordScore"], np.float32)[ids]
    return {
        "utt": sequence["utt"], "spk": sequence["spk"], "age": sequence["age"], "kind": sequence["kind"], "view": view, "length": len(word),
        "x": rows[start:start + len(word)], "whole": whole[start:start + len(word)],
        **{name: np.array(sequence[name]) for name in ("phone", "prev", "next")},
        **{name: np.array(sequence[name], np.float32) for name in ("hasNext", "score")},
        "pool": members / members.sum(1, keepdims=True), "wordCount": members.sum(1), "wordScore": np.where(score >= 0, score / 5, -1),
        "sentence": np.array(sequence["sentence"], np.float32) / 5, "pace": np.array(sequence["pace"], np.float32),
    }


def batch_of(sequences, inputs):
    """`inputs` names the rows of features that are wanted."""
    n = len(sequences)
    longest = max(s["length"] for s in sequences)
    words = max(len(s["wordCount"]) for s in sequences)
    b = {"hasNext": np.zeros((n, longest), np.float32), "mask": np.zeros((n, longest), np.float32),
         "score": np.full((n, longest), -1, np.float32), "pool": np.zeros((n, words, longest), np.float32),
         "wordCount": np.ones((n, words), np.float32), "wordScore": np.full((n, words), -1, np.float32)}
    for name in inputs:
        b[name] = np.zeros((n, longest, sequences[0][name].shape[1]), np.float32)
    for name in ("phone", "prev", "next"):
        b[name] = np.full((n, longest), CLASSES - 1)
    for i, s in enumerate(sequences):
        t, w = s["length"], len(s["wordCount"])
        for name in (*inputs, "phone", "prev", "next", "hasNext", "score"):
            b[name][i, :t] = s[name]
        b["mask"][i, :t] = 1
        b["pool"][i, :w, :t] = s["pool"]
        b["wordCount"][i, :w] = s["wordCount"]
        b["wordScore"][i, :w] = s["wordScore"]
    for name in ("sentence", "pace"):
        b[name] = np.stack([np.asarray(s[name], np.float32) for s in sequences])
    return {name: torch.from_numpy(v) for name, v in b.items()}


def load(prefix):
    dump = json.load(open(prefix + ".json"))
    rows = np.fromfile(prefix + ".f32", np.float32).reshape(-1, dump["width"])
    whole = np.fromfile(prefix + ".whole.f32", np.float32).reshape(-1, dump["wholeWidth"])
    return [prepare(s, rows, whole, prefix) for s in dump["sequences"]]
