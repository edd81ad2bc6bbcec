"""Fits judge.json of a pack by logistic regression: whether a phone was said, from what the serving code measures of it.

Usage: fit_judge.py DUMP OUT_DIR   (DUMP.f32 and DUMP.json by dump.ts)
"""
import json
import os
import sys

import numpy as np
import torch
from torch.nn import functional as F

# What a planted phone counts: there are few.
PLANTED = 3.0


def main():
    dump, out = sys.argv[1:]
    torch.set_num_threads(1)
    about = json.load(open(dump + ".json"))
    classes, phone, said = about["classes"], torch.tensor(about["phone"]), torch.tensor(about["said"], dtype=torch.float32)
    x = torch.from_numpy(np.fromfile(dump + ".f32", np.float32).reshape(len(phone), -1)[:, classes:].copy())
    mean, deviation = x.mean(0), x.std(0).clamp(min=0.05)
    weights = torch.zeros(x.shape[1], requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    shared = torch.zeros(1, requires_grad=True)
    counts = torch.where(said > 0, 1.0, PLANTED)
    optimiser = torch.optim.LBFGS([weights, bias, shared], max_iter=200, line_search_fn="strong_wolfe")

    def loss():
        optimiser.zero_grad()
        odds = ((x - mean) / deviation) @ weights + bias[phone] + shared
        value = (F.binary_cross_entropy_with_logits(odds, said, reduction="none") * counts).sum() / counts.sum() + 2e-3 * (bias ** 2).mean() + 1e-4 * (weights ** 2).sum()
        value.backward()
        return value

    optimiser.step(loss)
    plain = weights.detach() / deviation
    start = shared.detach() - (plain * mean).sum() + bias.detach()
    rounded = lambda values: [round(v, 4) for v in values.tolist()]
    json.dump({"weights": rounded(plain), "bias": rounded(start)}, open(os.path.join(out, "judge.json"), "w"))
    print(f"{len(said)} phones, {int((said == 0).sum())} planted; loss {loss().item():.4f}")


if __name__ == "__main__":
    main()
