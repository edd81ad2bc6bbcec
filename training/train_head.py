"""Trains the scoring head on what dump-head.ts wrote: cross-fitted by speaker, then on everyone.

The layers and their names are those that workers/phoneme/head.ts runs. Several small nets are averaged; they also
know how the speaker's earlier sentences were. Writes OUT_DIR/head.json (all speakers) and OUT_DIR/fold<k>/head.json (fold k left out).
"""
import argparse
import json
import os
import random

import torch
from torch import nn
from torch.nn import functional as F

from figures import report
from readings import CLASSES, batch_of, load
from nets import batches, rounded, statistics, tensors_of
from voices import batch_with, describe_voices, earlier_of, random_earlier, usual_of

# A phone's score is lowered where the chance that it was said is below 1 / GATE. Lower values make more of a wrong
# text red and cost some of the correlation on real readings (two folds: 4: .549, 10: .566, no gate: .573).
GATE = 10.0


class Head(nn.Module):
    def __init__(self, mean, deviation, voice):
        super().__init__()
        width = len(mean)
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.embedThis = nn.Embedding(CLASSES, 24)
        self.embedPrev = nn.Embedding(CLASSES, 8)
        self.embedNext = nn.Embedding(CLASSES, 8)
        self.voice = nn.Linear(voice, 24)
        self.input = nn.Linear(width + 40 + 26, 64)
        self.gru = nn.GRU(64, 64, batch_first=True)
        self.provisional = nn.Sequential(nn.Linear(128, 48), nn.ReLU(), nn.Linear(48, 1))
        self.final = nn.Sequential(nn.Linear(192, 48), nn.ReLU(), nn.Linear(48, 1))
        self.word = nn.Sequential(nn.Linear(51, 32), nn.ReLU(), nn.Linear(32, 1))
        self.sentence = nn.Sequential(nn.Linear(55, 32), nn.ReLU(), nn.Linear(32, 3))
        self.noNext = nn.Parameter(torch.zeros(64))
        self.drop = nn.Dropout(0.15)
        for layer in (self.provisional[2], self.final[2], self.word[2], self.sentence[2]):
            nn.init.constant_(layer.bias, 1.7)

    def forward(self, b):
        x = (b["x"] - self.mean) / self.deviation
        weight, number = b["context"][:, -2:-1], b["context"][:, -1:]
        known = torch.cat([torch.relu(self.voice(self.drop(b["context"][:, :-2]))) * weight, weight, number], -1)
        known = known.unsqueeze(1).expand(-1, x.shape[1], -1)
        x = torch.cat([x, self.embedThis(b["phone"]), self.embedPrev(b["prev"]), self.embedNext(b["next"]), known], -1)
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


class Gate(nn.Module):
    """Whether a phone was said at all."""

    def __init__(self, mean, deviation):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.register_buffer("scale", torch.tensor([GATE]))
        self.input = nn.Linear(len(mean), 16)
        self.gru = nn.GRU(16, 16, batch_first=True)
        self.said = nn.Linear(16, 1)

    def logit(self, x):
        h, _ = self.gru(torch.relu(self.input((x - self.mean) / self.deviation)))
        return self.said(h).squeeze(-1)

    def forward(self, x):
        """1 for a phone that was said, towards 0 for one that was not, from the features so far."""
        return (self.scale * torch.sigmoid(self.logit(x))).clamp(max=1)


def train_gate(sequences, seed):
    """Fits the gate on phones of the text read against phones of words and sentences that were not read.

    It stays out of the scores' own training: mixed into it, planted mismatches cost .03 to .06 of the phone correlation.
    """
    torch.manual_seed(seed)
    rng = random.Random(seed)
    gate = Gate(*statistics([s for s in sequences if s["kind"] == "true"], "x"))
    sequences = [s for s in sequences if s["kind"] != "exchanged"]
    size, epochs = 32, 6
    optimiser = torch.optim.AdamW(gate.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, epochs * (len(sequences) // size) + 1, pct_start=0.1)
    for _ in range(epochs):
        for group in batches(sequences, size, rng):
            b = batch_of(group, ("x",))
            real = torch.tensor([[s["kind"] == "true"] for s in group])
            use = ((real & (b["score"] >= 0)) | (~real & (b["score"] == 0))).float() * b["mask"]
            # In a text with a word too many the other words were said.
            use = use + ((~real & (b["score"] > 0)).float() * b["mask"])
            said = (real | (b["score"] > 0)).float()
            loss = (F.binary_cross_entropy_with_logits(gate.logit(b["x"]), said, reduction="none") * use).sum() / use.sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    return gate.eval()


def train(sequences, own, epochs, seed):
    """`own` are the sentences that the statistics are taken from."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    describe_voices(sequences, usual_of(own))
    net = Head(*statistics(own, "x"), len(own[0]["voice"]))
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    size = 24
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2.5e-3, epochs * (len(sequences) // size) + 1, pct_start=0.1)
    for _ in range(epochs):
        for group in batches(sequences, size, rng):
            b = batch_with(group, ("x",), lambda s: random_earlier(s, sequences, rng))
            b["x"] = b["x"] + 0.1 * torch.randn_like(b["x"]) * net.deviation
            provisional, final, word, sentence = net(b)
            known = (b["score"] >= 0).float() * b["mask"]
            loss = (((final - b["score"]) ** 2 + 0.7 * (provisional - b["score"]) ** 2) * known).sum() / known.sum()
            known = (b["wordScore"] >= 0).float()
            loss = loss + 0.5 * (((word - b["wordScore"]) ** 2) * known).sum() / known.sum().clamp(min=1)
            loss = loss + 0.25 * ((sentence - b["sentence"]) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1)
            optimiser.step()
            schedule.step()
    return net.eval()


def outputs_of(nets, gate, sequences, own, earlier):
    """Whole sentences, one after the other: final, word and sentence scores, and the provisional ones, gated."""
    describe_voices(sequences, usual_of(own))
    with torch.no_grad():
        for sequence in sequences:
            b = batch_with([sequence], ("x",), earlier)
            provisional, final, word, sentence = (torch.stack(parts).mean(0)[0].numpy() for parts in zip(*(net(b) for net in nets)))
            said = gate(b["x"])[0].numpy()
            yield final.clip(0, 2) * said, word * (sequence["pool"] @ said), sentence, provisional.clip(0, 2) * said


def store(nets, gate, path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    json.dump({"nets": [tensors_of(net) for net in nets], "gate": tensors_of(gate)}, open(path, "w"))


def ensemble(sequences, own, count, epochs, seed):
    nets = [rounded(train([s for s in sequences if s["kind"] == "true"], own, epochs, seed + i)) for i in range(count)]
    return nets, rounded(train_gate([s for s in sequences if s["view"] == own[0]["view"]], seed))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--dump", required=True, help="what the serving code's posteriors give")
    p.add_argument("--more", action="append", default=[], help="the same sentences by other acoustic models of the same folds, to learn from only")
    p.add_argument("--out")
    p.add_argument("--folds", type=int, default=3)
    p.add_argument("--epochs", type=int, default=7)
    p.add_argument("--nets", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    sequences = load(a.dump)
    everything = sequences + [s for dump in a.more for s in load(dump) if s["kind"] == "true"]
    speakers = sorted({s["spk"] for s in sequences})
    fold_of = {s: i % a.folds for i, s in enumerate(speakers)}
    true = [s for s in sequences if s["kind"] == "true"]
    held_all = []
    got = {"cold": [], "warm": []}
    for fold in range(a.folds):
        own = [s for s in true if fold_of[s["spk"]] != fold]
        nets, gate = ensemble([s for s in everything if fold_of[s["spk"]] != fold], own, a.nets, a.epochs, a.seed + 100 * (fold + 1))
        if a.out:
            store(nets, gate, os.path.join(a.out, f"fold{fold}", "head.json"))
        held = [s for s in true if fold_of[s["spk"]] == fold]
        held_all += held
        got["cold"] += outputs_of(nets, gate, held, own, lambda s: [])
        got["warm"] += outputs_of(nets, gate, held, own, earlier_of)
        for kind, outputs in got.items():
            report(f"fold {fold} {kind}", held_all, outputs)
            report(f"fold {fold} {kind} provisional", held_all, [(o[3], *o[1:3]) for o in outputs])
    if a.out:
        store(*ensemble(everything, true, a.nets, a.epochs, a.seed), os.path.join(a.out, "head.json"))


if __name__ == "__main__":
    main()
