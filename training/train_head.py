"""Trains the scoring head on what dump-head.ts wrote: cross-fitted by speaker, then on everyone.

The layers and their names are those that workers/phoneme/head.ts runs. Writes OUT_DIR/head.json (all speakers)
and OUT_DIR/fold<k>/head.json (fold k left out).
"""
import argparse
import base64
import json
import os
import random

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

CLASSES = 40
# A phone's score is lowered where the chance that it was said is below 1 / GATE. Lower values make more of a wrong
# text red and cost some of the correlation on real readings (two folds: 4: .549, 10: .566, no gate: .573).
GATE = 10.0


class Head(nn.Module):
    def __init__(self, width, mean, deviation):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.register_buffer("gateScale", torch.tensor([GATE]))
        self.embedThis = nn.Embedding(CLASSES, 24)
        self.embedPrev = nn.Embedding(CLASSES, 8)
        self.embedNext = nn.Embedding(CLASSES, 8)
        self.input = nn.Linear(width + 40, 64)
        self.gru = nn.GRU(64, 64, batch_first=True)
        self.provisional = nn.Sequential(nn.Linear(128, 48), nn.ReLU(), nn.Linear(48, 1))
        self.final = nn.Sequential(nn.Linear(192, 48), nn.ReLU(), nn.Linear(48, 1))
        self.word = nn.Sequential(nn.Linear(51, 32), nn.ReLU(), nn.Linear(32, 1))
        self.sentence = nn.Sequential(nn.Linear(55, 32), nn.ReLU(), nn.Linear(32, 3))
        self.noNext = nn.Parameter(torch.zeros(64))
        # Whether the phone was said at all; trained apart, see train_gate.
        self.gateInput = nn.Linear(width, 16)
        self.gateGru = nn.GRU(16, 16, batch_first=True)
        self.said = nn.Linear(16, 1)
        self.drop = nn.Dropout(0.15)
        for layer in (self.provisional[2], self.final[2], self.word[2], self.sentence[2]):
            nn.init.constant_(layer.bias, 1.7)

    def said_logit(self, x):
        h, _ = self.gateGru(torch.relu(self.gateInput((x - self.mean) / self.deviation)))
        return self.said(h).squeeze(-1)

    def gate(self, x):
        """1 for a phone that was said, towards 0 for one that was not, from the features so far."""
        return (self.gateScale * torch.sigmoid(self.said_logit(x))).clamp(max=1)

    def forward(self, b):
        x = (b["x"] - self.mean) / self.deviation
        x = torch.cat([x, self.embedThis(b["phone"]), self.embedPrev(b["prev"]), self.embedNext(b["next"])], -1)
        x = self.drop(torch.relu(self.input(self.drop(x))))
        h, _ = self.gru(x)
        h = self.drop(h)
        following = torch.cat([h[:, 1:], torch.zeros_like(h[:, :1])], 1)
        has = b["hasNext"].unsqueeze(-1)
        following = following * has + self.noNext * (1 - has)
        provisional = self.provisional(torch.cat([h, x], -1)).squeeze(-1)
        summary = torch.relu(self.final[0](torch.cat([h, x, following], -1)))
        final = self.final[2](self.drop(summary)).squeeze(-1)
        mask = b["mask"]
        # Words: mean over each word's phones.
        pool = b["pool"]  # [B, W, T] rows of weights
        count = b["wordCount"]
        word_mean = pool @ summary
        word_score = (pool @ final.unsqueeze(-1)).squeeze(-1)
        word_min = final.unsqueeze(1).masked_fill(pool == 0, 9).amin(-1).clamp(max=3)
        word = self.word(torch.cat([word_mean, torch.stack([word_score, word_min, torch.log(count)], -1)], -1)).squeeze(-1)
        n = mask.sum(1).clamp(min=1)
        mean_summary = (summary * mask.unsqueeze(-1)).sum(1) / n.unsqueeze(-1)
        mean_score = (final * mask).sum(1) / n
        min_score = final.masked_fill(mask == 0, 9).amin(1)
        low = ((final < 1.2).float() * mask).sum(1) / n
        sentence = self.sentence(torch.cat([mean_summary, torch.stack([mean_score, min_score, low, torch.log(n)], -1), b["pace"]], -1))
        return provisional, final, word, sentence


def prepare(sequence, rows):
    """Turns a dumped sequence's lists into arrays once, since every epoch needs them."""
    word = np.array(sequence["word"])
    ids = np.unique(word)
    members = (word[None] == ids[:, None]).astype(np.float32)
    start = sequence["row"]
    score = np.array(sequence["wordScore"], np.float32)[ids]
    return {
        "spk": sequence["spk"], "kind": sequence["kind"], "length": len(word), "x": rows[start:start + len(word)],
        **{name: np.array(sequence[name]) for name in ("phone", "prev", "next")},
        **{name: np.array(sequence[name], np.float32) for name in ("hasNext", "score")},
        "pool": members / members.sum(1, keepdims=True), "wordCount": members.sum(1), "wordScore": np.where(score >= 0, score / 5, -1),
        "sentence": np.array(sequence["sentence"], np.float32) / 5, "pace": np.array(sequence["pace"], np.float32),
    }


def batch_of(sequences):
    n = len(sequences)
    longest = max(s["length"] for s in sequences)
    words = max(len(s["wordCount"]) for s in sequences)
    width = sequences[0]["x"].shape[1]
    b = {"x": np.zeros((n, longest, width), np.float32), "hasNext": np.zeros((n, longest), np.float32), "mask": np.zeros((n, longest), np.float32),
         "score": np.full((n, longest), -1, np.float32), "pool": np.zeros((n, words, longest), np.float32),
         "wordCount": np.ones((n, words), np.float32), "wordScore": np.full((n, words), -1, np.float32)}
    for name in ("phone", "prev", "next"):
        b[name] = np.full((n, longest), CLASSES - 1)
    for i, s in enumerate(sequences):
        t, w = s["length"], len(s["wordCount"])
        for name in ("x", "phone", "prev", "next", "hasNext", "score"):
            b[name][i, :t] = s[name]
        b["mask"][i, :t] = 1
        b["pool"][i, :w, :t] = s["pool"]
        b["wordCount"][i, :w] = s["wordCount"]
        b["wordScore"][i, :w] = s["wordScore"]
    for name in ("sentence", "pace"):
        b[name] = np.stack([np.asarray(s[name], np.float32) for s in sequences])
    return {name: torch.from_numpy(v) for name, v in b.items()}


def train_gate(net, sequences):
    """Fits the gate on phones of the text read against phones of words and sentences that were not read.

    It stays out of the scores' own training: mixed into it, planted mismatches cost .03 to .06 of the phone correlation.
    """
    parameters = [*net.gateInput.parameters(), *net.gateGru.parameters(), *net.said.parameters()]
    rng = random.Random(len(sequences))
    size, epochs = 32, 6
    optimiser = torch.optim.AdamW(parameters, lr=5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, epochs * (len(sequences) // size) + 1, pct_start=0.1)
    for _ in range(epochs):
        order = sorted(sequences, key=lambda s: s["length"] + rng.random() * 8)
        groups = [order[i:i + size] for i in range(0, len(order) - size + 1, size)]
        rng.shuffle(groups)
        for group in groups:
            b = batch_of(group)
            real = torch.tensor([[s["kind"] == "true"] for s in group])
            use = ((real & (b["score"] >= 0)) | (~real & (b["score"] == 0))).float() * b["mask"]
            # In a text with a word too many the other words were said.
            use = use + ((~real & (b["score"] > 0)).float() * b["mask"])
            said = (real | (b["score"] > 0)).float()
            loss = (F.binary_cross_entropy_with_logits(net.said_logit(b["x"]), said, reduction="none") * use).sum() / use.sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()


def train(everything, epochs, seed):
    sequences = [s for s in everything if s["kind"] == "true"]
    torch.manual_seed(seed)
    rng = random.Random(seed)
    used = np.concatenate([s["x"] for s in sequences])
    net = Head(used.shape[1], torch.from_numpy(used.mean(0)), torch.from_numpy(used.std(0).clip(0.05)))
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    size = 24
    steps = epochs * (len(sequences) // size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2.5e-3, steps + 1, pct_start=0.1)
    for _ in range(epochs):
        order = sorted(sequences, key=lambda s: s["length"] + rng.random() * 8)
        groups = [order[i:i + size] for i in range(0, len(order) - size + 1, size)]
        rng.shuffle(groups)
        for group in groups:
            b = batch_of(group)
            b["x"] = b["x"] + 0.1 * torch.randn_like(b["x"]) * net.deviation
            provisional, final, word, sentence = net(b)
            known = (b["score"] >= 0).float() * b["mask"]
            loss = (((final - b["score"]) ** 2 + 0.7 * (provisional - b["score"]) ** 2) * known).sum() / known.sum()
            known = (b["wordScore"] >= 0).float()
            loss = loss + 0.5 * (((word - b["wordScore"]) ** 2) * known).sum() / known.sum().clamp(min=1)
            known = (b["sentence"] >= 0).float()
            loss = loss + 0.25 * (((sentence - b["sentence"]) ** 2) * known).sum() / known.sum().clamp(min=1)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1)
            optimiser.step()
            schedule.step()
    train_gate(net, everything)
    return net.eval()


def store(net, path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    tensors = {name: {"shape": list(v.shape), "data": base64.b64encode(v.detach().float().numpy().astype("<f4").tobytes()).decode()}
               for name, v in net.state_dict().items()}
    json.dump(tensors, open(path, "w"))


def pcc(a, b):
    return float(np.corrcoef(a, b)[0, 1])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--dump", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--folds", type=int, default=3)
    p.add_argument("--epochs", type=int, default=16)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--kinds", default="true,inserted,other")
    p.add_argument("--no-final", action="store_true")
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    dump = json.load(open(a.dump + ".json"))
    rows = np.fromfile(a.dump + ".f32", np.float32).reshape(-1, dump["width"])
    speakers = sorted({s["spk"] for s in dump["sequences"]})
    sequences = [prepare(s, rows) for s in dump["sequences"] if s["kind"] in a.kinds.split(",")]
    fold_of = {s: i % a.folds for i, s in enumerate(speakers)}
    got = {k: [] for k in ("final", "provisional", "score", "word", "wordScore", "total", "totalScore", "lowered")}
    for fold in range(a.folds):
        net = train([s for s in sequences if fold_of[s["spk"]] != fold], a.epochs, a.seed + fold)
        store(net, os.path.join(a.out, f"fold{fold}", "head.json"))
        held = [s for s in sequences if fold_of[s["spk"]] == fold and s["kind"] == "true"]
        with torch.no_grad():
            for i in range(0, len(held), 64):
                b = batch_of(held[i:i + 64])
                provisional, final, word, sentence = net(b)
                gate = net.gate(b["x"])
                got["lowered"] += (gate < 0.99)[b["mask"] > 0].tolist()
                provisional, final = provisional * gate, final * gate
                m = (b["mask"] > 0) & (b["score"] >= 0)
                got["final"] += final[m].tolist()
                got["provisional"] += provisional[m].tolist()
                got["score"] += b["score"][m].tolist()
                m = b["wordScore"] >= 0
                got["word"] += word[m].tolist()
                got["wordScore"] += b["wordScore"][m].tolist()
                got["total"] += sentence[:, 2].tolist()
                got["totalScore"] += b["sentence"][:, 2].tolist()
        print(f"fold {fold}: phone {pcc(got['final'], got['score']):.4f} provisional {pcc(got['provisional'], got['score']):.4f} "
              f"word {pcc(got['word'], got['wordScore']):.4f} total {pcc(got['total'], got['totalScore']):.4f} lowered {np.mean(got['lowered']):.4f} so far", flush=True)
    if not a.no_final:
        store(train(sequences, a.epochs, a.seed), os.path.join(a.out, "head.json"))


if __name__ == "__main__":
    main()
