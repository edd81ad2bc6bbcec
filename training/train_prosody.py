"""Trains what judges how a whole reading was spoken (workers/phoneme/prosody.ts runs it).

It sees what dump-prosody.ts wrote: a few dozen numbers per sentence, from held-out packs. A ridge regression and some small
nets are averaged; both give the experts' prosody and fluency, 0 to 10. Cross-fitted by speaker like the heads.
Writes OUT_DIR/prosody.json (all speakers), OUT_DIR/fold<k>/prosody.json (fold k left out) and OUT_DIR/prosody-check.json.
"""
import argparse
import base64
import json
import os

import numpy as np
import torch
from torch import nn

FARTHEST = 4
UNIT = 1.5  # about a deviation of the experts' scores: what the nets count in


def encoded(values):
    values = np.ascontiguousarray(values, "<f4")
    return {"shape": list(values.shape), "data": base64.b64encode(values.tobytes()).decode()}


def fit_line(x, y, penalty):
    a = np.c_[x, np.ones(len(x))]
    weights = penalty * np.eye(a.shape[1])
    weights[-1, -1] = 0
    solved = np.linalg.solve(a.T @ a + weights, a.T @ y)
    return solved[:-1].T, solved[-1]


def fit_net(x, y, epochs, seed):
    torch.manual_seed(seed)
    usual = y.mean(0)
    net = nn.Sequential(nn.Linear(x.shape[1], 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, y.shape[1]))
    inputs, targets = torch.tensor(x).float(), torch.tensor((y - usual) / UNIT).float()
    size = 64
    steps = epochs * (len(x) // size)
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, steps + 1)
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(size)[:len(x) // size]:
            noisy = inputs[rows] + 0.3 * torch.randn(len(rows), x.shape[1])
            loss = ((net(noisy) - targets[rows]) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    first, last = net[0], net[3]
    weight, bias = last.weight.detach().numpy() * UNIT, last.bias.detach().numpy() * UNIT + usual
    return [first.weight.detach().numpy(), first.bias.detach().numpy(), weight, bias]


def train(x, y, a):
    mean, deviation = x.mean(0), x.std(0).clip(1e-3)
    z = ((x - mean) / deviation).clip(-FARTHEST, FARTHEST)
    nets = [fit_net(z, y, a.epochs, a.seed + i) for i in range(a.nets)]
    return {"mean": mean, "deviation": deviation, "line": fit_line(z, y, a.penalty), "nets": nets}


def judge(model, x):
    z = ((x - model["mean"]) / model["deviation"]).clip(-FARTHEST, FARTHEST)
    weight, bias = model["line"]
    nets = np.mean([np.maximum(z @ w.T + b, 0) @ v.T + c for w, b, v, c in model["nets"]], 0)
    return (z @ weight.T + bias + nets) / 2


def store(model, path):
    tensors = {"mean": model["mean"], "deviation": model["deviation"]}
    tensors["line.weight"], tensors["line.bias"] = model["line"]
    for i, parts in enumerate(model["nets"]):
        for name, values in zip(("0.weight", "0.bias", "2.weight", "2.bias"), parts):
            tensors[f"nets.{i}.{name}"] = values
    os.makedirs(os.path.dirname(path), exist_ok=True)
    json.dump({"nets": len(model["nets"]), "tensors": {k: encoded(v) for k, v in tensors.items()}}, open(path, "w"))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--dump", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--folds", type=int, default=3)
    p.add_argument("--epochs", type=int, default=30)
    p.add_argument("--nets", type=int, default=3)
    p.add_argument("--penalty", type=float, default=1000)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    torch.set_num_threads(1)
    rows = json.load(open(a.dump))["rows"]
    x = np.array([r["measures"] for r in rows])
    y = np.array([[r["prosody"], r["fluency"]] for r in rows], float)
    speakers = sorted({r["spk"] for r in rows})
    fold_of = np.array([speakers.index(r["spk"]) % a.folds for r in rows])
    held = np.zeros_like(y)
    for fold in range(a.folds):
        model = train(x[fold_of != fold], y[fold_of != fold], a)
        store(model, os.path.join(a.out, f"fold{fold}", "prosody.json"))
        held[fold_of == fold] = judge(model, x[fold_of == fold])
    for i, name in enumerate(("prosody", "fluency")):
        print(f"{name}: correlation {np.corrcoef(held[:, i], y[:, i])[0, 1]:.4f} on held-out speakers")
    model = train(x, y, a)
    store(model, os.path.join(a.out, "prosody.json"))
    cases = [{"measures": r.tolist(), "scores": s.tolist()} for r, s in zip(x[::500], judge(model, x[::500]))]
    json.dump({"cases": cases}, open(os.path.join(a.out, "prosody-check.json"), "w"))


if __name__ == "__main__":
    main()
