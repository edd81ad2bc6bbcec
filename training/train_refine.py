"""Trains the heads that judge a sentence anew once all of it is known (workers/phoneme/refiner.ts runs them).

They see what dump-head.ts wrote of whole sentences: the same features as the live head, both ways in time, and each
measure against the sentence's own average. Several small nets are averaged. Cross-fitted by speaker like the live head.
Writes OUT_DIR/refine.json (all speakers), OUT_DIR/fold<k>/refine.json (fold k left out) and OUT_DIR/refine-check.json.
"""
import argparse
import base64
import json
import os
import random

import numpy as np
import torch
from torch import nn

from train_head import CLASSES, batch_of, pcc, prepare

# Of the features, the classes' mean log posteriors come first; then these measures of quality, sureness and length.
COUNT = 11
MEASURES = slice(CLASSES, CLASSES + COUNT)


class Refiner(nn.Module):
    """One net of the ensemble. `usual` holds, per phone, each measure's mean and deviation among well said ones."""

    def __init__(self, width, mean, deviation, usual):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.register_buffer("usual", usual)
        self.embedThis = nn.Embedding(CLASSES, 24)
        self.embedPrev = nn.Embedding(CLASSES, 8)
        self.embedNext = nn.Embedding(CLASSES, 8)
        self.input = nn.Linear(width + 40 + 3 * COUNT + 6, 64)
        self.gru = nn.GRU(64, 48, batch_first=True, bidirectional=True)
        self.phone = nn.Sequential(nn.Linear(64 + 96 + 96, 48), nn.ReLU(), nn.Linear(48, 1))
        self.word = nn.Sequential(nn.Linear(48 + 96 + 3, 32), nn.ReLU(), nn.Linear(32, 1))
        self.sentence = nn.Sequential(nn.Linear(48 + 96 + 7 + COUNT, 32), nn.ReLU(), nn.Linear(32, 3))
        self.drop = nn.Dropout(0.2)
        for layer in (self.phone[2], self.word[2], self.sentence[2]):
            nn.init.constant_(layer.bias, 1.7)

    def forward(self, b):
        mask = b["mask"].unsqueeze(-1)
        n = mask.sum(1).clamp(min=1)  # [B, 1]

        def average(v):
            return (v * mask).sum(1) / n

        z = (b["x"] - self.mean) / self.deviation
        own = ((b["x"][..., MEASURES] - self.usual[b["phone"], 0]) / self.usual[b["phone"], 1]).clamp(-6, 6)
        typical = average(own)
        spread = own - typical.unsqueeze(1)
        place = (torch.arange(z.shape[1]).float().view(1, -1, 1) + 0.5) / n.unsqueeze(1)
        quality = average(z[..., CLASSES:CLASSES + 1])
        everywhere = torch.cat([typical, b["pace"], torch.log(n), quality], -1).unsqueeze(1).expand(-1, z.shape[1], -1)
        x = torch.cat([z, own, spread, everywhere, place, self.embedThis(b["phone"]), self.embedPrev(b["prev"]), self.embedNext(b["next"])], -1)
        x = self.drop(torch.relu(self.input(self.drop(x))))
        packed = nn.utils.rnn.pack_padded_sequence(x, b["mask"].sum(1).long(), batch_first=True, enforce_sorted=False)
        h = self.drop(nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=z.shape[1])[0])
        whole = average(h)
        summary = torch.relu(self.phone[0](torch.cat([x, h, whole.unsqueeze(1).expand(-1, z.shape[1], -1)], -1)))
        score = self.phone[2](self.drop(summary)).squeeze(-1)
        pool, count = b["pool"], b["wordCount"]
        low = score.unsqueeze(1).masked_fill(pool == 0, 9).amin(-1).clamp(max=3)
        of_word = torch.stack([(pool @ score.unsqueeze(-1)).squeeze(-1), low, torch.log(count)], -1)
        word = self.word(torch.cat([pool @ summary, pool @ h, of_word], -1)).squeeze(-1)
        scores = score.unsqueeze(-1)
        lowest = scores.masked_fill(mask == 0, 9).amin(1)
        stats = torch.cat([average(scores), lowest, average((scores < 1.2).float()), torch.log(n)], -1)
        sentence = self.sentence(torch.cat([average(summary), whole, stats, b["pace"], typical], -1))
        return score, word, sentence


def usual_of(sequences):
    x = np.concatenate([s["x"] for s in sequences])[:, MEASURES]
    phone = np.concatenate([s["phone"] for s in sequences])
    good = np.concatenate([s["score"] for s in sequences]) >= 1.8
    table = np.zeros((CLASSES, 2, COUNT), np.float32)
    table[:, 1] = 1
    for c in range(CLASSES):
        rows = x[good & (phone == c)]
        if len(rows) > 1:
            table[c] = rows.mean(0), rows.std(0).clip(0.3)
    return torch.from_numpy(table)


def train(sequences, epochs, seed):
    torch.manual_seed(seed)
    rng = random.Random(seed)
    used = np.concatenate([s["x"] for s in sequences])
    net = Refiner(used.shape[1], torch.from_numpy(used.mean(0)), torch.from_numpy(used.std(0).clip(0.05)), usual_of(sequences))
    optimiser = torch.optim.AdamW(net.parameters(), lr=2.5e-3, weight_decay=0.02)
    size = 24
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2.5e-3, epochs * (len(sequences) // size) + 1, pct_start=0.1)
    for _ in range(epochs):
        order = sorted(sequences, key=lambda s: s["length"] + rng.random() * 8)
        groups = [order[i:i + size] for i in range(0, len(order) - size + 1, size)]
        rng.shuffle(groups)
        for group in groups:
            b = batch_of(group)
            b["x"] = b["x"] + 0.1 * torch.randn_like(b["x"]) * net.deviation
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
    return net.eval()


def outputs_of(nets, sequences):
    """The nets' averages over whole sentences, one after the other: phones, words (raters' 0 to 2), sentence."""
    with torch.no_grad():
        for sequence in sequences:
            b = batch_of([sequence])
            yield [torch.stack(parts).mean(0)[0] for parts in zip(*(net(b) for net in nets))]


def encoded(values, kind):
    return base64.b64encode(np.ascontiguousarray(values, kind).tobytes()).decode()


def store(nets, path):
    """Weights are kept as 16-bit floats: the nets hold the rounded values already."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    stored = [{name: {"shape": list(v.shape), "data": encoded(v.numpy(), "<f2")} for name, v in net.state_dict().items()} for net in nets]
    json.dump({"nets": stored}, open(path, "w"))


def store_check(nets, sequences, path):
    """What the nets answer on some sentences, for the test of the serving code."""
    cases = []
    for s, (phone, word, sentence) in zip(sequences, outputs_of(nets, sequences)):
        case = {name: s[name].tolist() for name in ("phone", "prev", "next", "pace")}
        members = s["pool"] > 0
        case["word"] = members.argmax(0).tolist()
        case["features"] = encoded(s["x"], "<f4")
        case["scores"] = {"phones": phone.tolist(), "words": word.tolist(), "sentence": sentence.tolist()}
        cases.append(case)
    json.dump({"cases": cases}, open(path, "w"))


def ensemble(sequences, count, epochs, seed):
    nets = []
    for i in range(count):
        net = train(sequences, epochs, seed + i)
        for value in net.state_dict().values():
            value.copy_(value.half().float())
        nets.append(net)
    return nets


def load(prefix):
    dump = json.load(open(prefix + ".json"))
    rows = np.fromfile(prefix + ".f32", np.float32).reshape(-1, dump["width"])
    return [prepare(s, rows) for s in dump["sequences"] if s["kind"] == "true"]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--dump", required=True, help="what the serving code's posteriors give")
    p.add_argument("--more", help="the same sentences by other acoustic models of the same folds, to learn from only")
    p.add_argument("--out", required=True)
    p.add_argument("--folds", type=int, default=3)
    p.add_argument("--epochs", type=int, default=6)
    p.add_argument("--nets", type=int, default=3)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    sequences = load(a.dump)
    more = load(a.more) if a.more else []
    speakers = sorted({s["spk"] for s in sequences})
    fold_of = {s: i % a.folds for i, s in enumerate(speakers)}
    for fold in range(a.folds):
        nets = ensemble([s for s in sequences + more if fold_of[s["spk"]] != fold], a.nets, a.epochs, a.seed + 100 * (fold + 1))
        store(nets, os.path.join(a.out, f"fold{fold}", "refine.json"))
        held = [s for s in sequences if fold_of[s["spk"]] == fold]
        got = list(zip(held, outputs_of(nets, held)))
        figures = [pcc(np.concatenate([o[i].numpy() for _, o in got]), np.concatenate([s[name] for s, _ in got]))
                   for i, name in ((0, "score"), (1, "wordScore"))]
        total = pcc([float(o[2][2]) for _, o in got], [float(s["sentence"][2]) for s, _ in got])
        print(f"fold {fold}: phone {figures[0]:.4f} word {figures[1]:.4f} total {total:.4f}", flush=True)
    nets = ensemble(sequences + more, a.nets, a.epochs, a.seed)
    store_check(nets, sequences[::500], os.path.join(a.out, "refine-check.json"))
    store(nets, os.path.join(a.out, "refine.json"))


if __name__ == "__main__":
    main()
