"""Trains the heads that judge a sentence anew once all of it is known (workers/phoneme/refiner.ts runs them).

They see what dump-head.ts wrote of whole sentences: both ways in time, each number also against what is usual for the
phone, and how the speaker's earlier sentences were. Several small nets are averaged. Cross-fitted by speaker like the live head.
Writes OUT_DIR/refine.json (all speakers), OUT_DIR/fold<k>/refine.json (fold k left out) and OUT_DIR/refine-check.json.
"""
import argparse
import json
import os
import random

import torch
from torch import nn

from figures import report
from nets import batches, encoded, rounded, statistics, tensors_of
from readings import CLASSES, QUALITIES, load
from voices import batch_with, describe_voices, earlier_of, random_earlier, usual_of


class Refiner(nn.Module):
    """One net of the ensemble. `usual` is that of voices.py; only the columns where `seen` is 1 count."""

    def __init__(self, mean, deviation, usual, seen):
        super().__init__()
        self.seen = seen
        width = len(mean)
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.register_buffer("usual", usual)
        self.embedThis = nn.Embedding(CLASSES, 24)
        self.embedPrev = nn.Embedding(CLASSES, 8)
        self.embedNext = nn.Embedding(CLASSES, 8)
        self.typical = nn.Linear(width, 24)
        self.voice = nn.Linear(width + 3, 24)
        self.input = nn.Linear(2 * width + 40 + 24 + 26 + 5, 64)
        self.gru = nn.GRU(64, 48, batch_first=True, bidirectional=True)
        self.phone = nn.Sequential(nn.Linear(64 + 96 + 96, 48), nn.ReLU(), nn.Linear(48, 1))
        self.word = nn.Sequential(nn.Linear(48 + 96 + 3, 32), nn.ReLU(), nn.Linear(32, 1))
        self.sentence = nn.Sequential(nn.Linear(48 + 96 + 7 + 24 + 26, 32), nn.ReLU(), nn.Linear(32, 3))
        self.drop = nn.Dropout(0.2)
        for layer in (self.phone[2], self.word[2], self.sentence[2]):
            nn.init.constant_(layer.bias, 1.7)

    def forward(self, b):
        mask = b["mask"].unsqueeze(-1)
        n = mask.sum(1).clamp(min=1)  # [B, 1]

        def average(v):
            return (v * mask).sum(1) / n

        steps = b["whole"].shape[1]
        z = (b["whole"] - self.mean) / self.deviation * self.seen
        own = b["own"] * self.seen
        typical = torch.relu(self.typical(self.drop(average(own))))
        weight, count = b["context"][:, -2:-1], b["context"][:, -1:]
        known = torch.cat([torch.relu(self.voice(self.drop(b["context"][:, :-2]))) * weight, weight, count], -1)
        place = (torch.arange(steps).float().view(1, -1, 1) + 0.5) / n.unsqueeze(1)
        everywhere = torch.cat([typical, known, b["pace"], torch.log(n)], -1).unsqueeze(1).expand(-1, steps, -1)
        x = torch.cat([z, own, everywhere, place, self.embedThis(b["phone"]), self.embedPrev(b["prev"]), self.embedNext(b["next"])], -1)
        x = self.drop(torch.relu(self.input(self.drop(x))))
        packed = nn.utils.rnn.pack_padded_sequence(x, b["mask"].sum(1).long(), batch_first=True, enforce_sorted=False)
        h = self.drop(nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=steps)[0])
        whole = average(h)
        summary = torch.relu(self.phone[0](torch.cat([x, h, whole.unsqueeze(1).expand(-1, steps, -1)], -1)))
        score = self.phone[2](self.drop(summary)).squeeze(-1)
        pool, members = b["pool"], b["wordCount"]
        low = score.unsqueeze(1).masked_fill(pool == 0, 9).amin(-1).clamp(max=3)
        of_word = torch.stack([(pool @ score.unsqueeze(-1)).squeeze(-1), low, torch.log(members)], -1)
        word = self.word(torch.cat([pool @ summary, pool @ h, of_word], -1)).squeeze(-1)
        scores = score.unsqueeze(-1)
        lowest = scores.masked_fill(mask == 0, 9).amin(1)
        stats = torch.cat([average(scores), lowest, average((scores < 1.2).float()), torch.log(n)], -1)
        sentence = self.sentence(torch.cat([average(summary), whole, stats, b["pace"], typical, known], -1))
        return score, word, sentence


def views_of(width):
    """What the nets of an ensemble see in turn: both models' posteriors, the live one's only, and the reviewing one's only. Nets that differ in that gain
    more by being averaged than nets that differ in their seed."""
    both = torch.ones(width)
    model = CLASSES + QUALITIES
    if width < 2 * model:
        return [both]
    live, review = both.clone(), both.clone()
    review[:model] = 0
    live[model:2 * model] = 0
    return [both, live, review]


def train(sequences, own, epochs, seed, seen):
    """`own` are the sentences that the statistics are taken from."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    usual = usual_of(own)
    describe_voices(sequences, usual)
    net = Refiner(*statistics(own, "whole"), torch.from_numpy(usual), seen)
    optimiser = torch.optim.AdamW(net.parameters(), lr=2.5e-3, weight_decay=0.02)
    size = 24
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2.5e-3, epochs * (len(sequences) // size) + 1, pct_start=0.1)
    for _ in range(epochs):
        for group in batches(sequences, size, rng):
            b = batch_with(group, ("whole", "own"), lambda s: random_earlier(s, sequences, rng))
            b["whole"] = b["whole"] + 0.1 * torch.randn_like(b["whole"]) * net.deviation
            score, word, sentence = net(b)
            known = (b["score"] >= 0).float() * b["mask"]
            loss = (((score - b["score"]) ** 2) * known).sum() / known.sum()
            known = (b["wordScore"] >= 0).float()
            loss = loss + 0.5 * (((word - b["wordScore"]) ** 2) * known).sum() / known.sum().clamp(min=1)
            loss = loss + 0.25 * ((sentence - b["sentence"]) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1)
            optimiser.step()
            schedule.step()
    with torch.no_grad():
        # What a net does not see weighs nothing, so that the serving code need not know of it.
        net.input.weight[:, :2 * len(seen)] *= seen.repeat(2)
        net.typical.weight *= seen
    return net.eval()


def outputs_of(nets, sequences, earlier):
    """The nets' averages over whole sentences, one after the other: phones, words (raters' 0 to 2), sentence."""
    describe_voices(sequences, nets[0].usual.numpy())
    with torch.no_grad():
        for sequence in sequences:
            b = batch_with([sequence], ("whole", "own"), earlier)
            yield [torch.stack(parts).mean(0)[0].numpy() for parts in zip(*(net(b) for net in nets))]


def store(nets, path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    json.dump({"nets": [tensors_of(net) for net in nets]}, open(path, "w"))


def store_check(nets, sequences, path):
    """What the nets answer on some sentences, for the test of the serving code."""
    cases = []
    for s, (phone, word, sentence) in zip(sequences, outputs_of(nets, sequences, earlier_of)):
        case = {name: s[name].tolist() for name in ("phone", "prev", "next", "pace")}
        case["word"] = (s["pool"] > 0).argmax(0).tolist()
        case["features"] = encoded(s["whole"], "<f4")
        case["earlier"] = [e["voice"].tolist() for e in earlier_of(s)]
        case["profile"] = s["voice"].tolist()
        case["scores"] = {"phones": phone.tolist(), "words": word.tolist(), "sentence": sentence.tolist()}
        cases.append(case)
    json.dump({"cases": cases}, open(path, "w"))


def ensemble(sequences, own, count, epochs, seed):
    views = views_of(sequences[0]["whole"].shape[1])
    return [rounded(train(sequences, own, epochs, seed + i, views[i % len(views)])) for i in range(count)]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--dump", required=True, help="what the serving code's posteriors give")
    p.add_argument("--more", action="append", default=[], help="the same sentences by other acoustic models of the same folds, to learn from only")
    p.add_argument("--out")
    p.add_argument("--folds", type=int, default=3)
    p.add_argument("--epochs", type=int, default=5)
    p.add_argument("--nets", type=int, default=3)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    sequences = [s for s in load(a.dump) if s["kind"] == "true"]
    more = [s for dump in a.more for s in load(dump) if s["kind"] == "true"]
    speakers = sorted({s["spk"] for s in sequences})
    fold_of = {s: i % a.folds for i, s in enumerate(speakers)}
    held_all = []
    got = {"cold": [], "warm": [], "wrong": []}
    for fold in range(a.folds):
        own = [s for s in sequences if fold_of[s["spk"]] != fold]
        nets = ensemble(own + [s for s in more if fold_of[s["spk"]] != fold], own, a.nets, a.epochs, a.seed + 100 * (fold + 1))
        if a.out:
            store(nets, os.path.join(a.out, f"fold{fold}", "refine.json"))
        held = [s for s in sequences if fold_of[s["spk"]] == fold]
        held_all += held
        got["cold"] += outputs_of(nets, held, lambda s: [])
        got["warm"] += outputs_of(nets, held, earlier_of)
        far = {s["utt"]: held[(i + len(held) // 2) % len(held)] for i, s in enumerate(held)}
        got["wrong"] += outputs_of(nets, held, lambda s: far[s["utt"]]["others"][:s["place"]])
        for kind, outputs in got.items():
            report(f"fold {fold} {kind}", held_all, outputs)
    if not a.out:
        return
    nets = ensemble(sequences + more, sequences, a.nets, a.epochs, a.seed)
    store(nets, os.path.join(a.out, "refine.json"))
    # The first two sentences of some speakers: one without earlier ones and one with.
    shown = [[s for s in sequences if s["spk"] == speaker][:2] for speaker in speakers[::40]]
    store_check(nets, sum(shown, []), os.path.join(a.out, "refine-check.json"))


if __name__ == "__main__":
    main()
