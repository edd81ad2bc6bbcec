"""Turns the English acoustic model into a Spanish one.

Usage: train.py SPANISH_DIR HELD_DIR ENGLISH_WORK_DIR ENGLISH_LABELS START.pt OUT.pt UPDATES RATE   (START.pt: the English model, or a Spanish one to go on with)

Synthetic voices alone teach a model synthetic voices. So it starts from the model that learned from real ones, and a share
of each batch stays real English speech, whose phones are labelled where Spanish has the same.
"""
import json
import math
import os
import random
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import train_acoustic
from train_acoustic import Acoustic, DELAY, LONGEST, Sampler, evaluate, load, normalised, stacked

PHONES = "a b ch d e f g i j k l m n ny o p r rr s t th u w x y SIL".split()
ENGLISH = "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH SIL".split()
# What of English sounds as in Spanish, and how sure that is; the rest of it teaches nothing.
SAME = {
    "SIL": ("SIL", 1), "M": ("m", 1), "N": ("n", 1), "NG": ("n", 0.5), "F": ("f", 1), "S": ("s", 1), "CH": ("ch", 1), "TH": ("th", 1), "P": ("p", 0.7), "T": ("t", 0.7),
    "K": ("k", 0.7), "B": ("b", 1), "D": ("d", 0.7), "DH": ("d", 0.7), "G": ("g", 1), "HH": ("x", 0.5), "Y": ("j", 0.7), "W": ("w", 1), "L": ("l", 0.7),
    "IY": ("i", 1), "UW": ("u", 0.4), "AA": ("a", 0.7), "EH": ("e", 0.7), "AO": ("o", 0.7), "OW": ("o", 0.4),
}
VOWELS = {ENGLISH.index(p) for p in "AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split()}
# Share of each batch that is English.
REAL = 0.4


def english_labels(labels, weights):
    """English classes as Spanish ones, with weights."""
    to = np.full(len(ENGLISH), len(PHONES) - 1, np.uint8)
    sure = np.zeros(len(ENGLISH), np.float32)
    for name, (phone, weight) in SAME.items():
        to[ENGLISH.index(name)], sure[ENGLISH.index(name)] = PHONES.index(phone), weight
    weights = weights * sure[labels]
    # Between vowels Americans tap T and D, which is Spanish r.
    edges = np.flatnonzero(np.diff(labels)) + 1
    starts, ends = np.concatenate([[0], edges]), np.concatenate([edges, [len(labels)]])
    for i in range(1, len(starts) - 1):
        if labels[starts[i]] in (ENGLISH.index("T"), ENGLISH.index("D")) and {labels[starts[i - 1]], labels[starts[i + 1]]} <= VOWELS:
            weights[starts[i]:ends[i]] = 0
    return to[labels], weights.astype(np.uint8)


def read(folder):
    index, mel = load(folder)
    return index, mel, *(np.fromfile(os.path.join(folder, name), np.uint8) for name in ("labels.u8", "weights.u8"))


def joined(spanish, english):
    """Two batches of a Sampler as one."""
    mels, lengths, labels, weights = zip(spanish, english)
    return np.concatenate(mels), sum(lengths, []), torch.cat(labels), torch.cat(weights)


def main():
    spanish_dir, held_dir, english_dir, english_file, start, out, updates, peak = sys.argv[1:]
    updates, peak = int(updates), float(peak)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    train_acoustic.CLASSES = len(PHONES)
    index, mel, labels, weights = read(spanish_dir)
    spanish = Sampler(mel, index, labels, weights, 1, random.Random(1))
    real_index, real_mel = load(english_dir)
    real_labels = np.fromfile(os.path.join(english_dir, english_file), np.uint8)
    real_weights = np.fromfile(os.path.join(english_dir, english_file.replace("labels", "weights")), np.uint8)
    english = Sampler(real_mel, real_index, *english_labels(real_labels, real_weights), 1, random.Random(2))

    saved = torch.load(start)
    prior, scale = saved["prior"], saved["scale"]
    net = Acoustic()
    if saved["net"]["out.weight"].shape[0] == len(PHONES):
        net.load_state_dict(saved["net"])
    else:
        net.load_state_dict({name: value for name, value in saved["net"].items() if not name.startswith("out.")}, strict=False)
        # The new output starts from the English phones that sound alike.
        with torch.no_grad():
            nn.init.normal_(net.out.weight, std=0.02)
            for name, (phone, _) in SAME.items():
                net.out.weight[PHONES.index(phone)] = saved["net"]["out.weight"][ENGLISH.index(name)]
    optimiser = torch.optim.AdamW(net.parameters(), lr=peak, weight_decay=0.01, betas=(0.9, 0.98))
    started, report = time.time(), 0
    for step in range(updates):
        progress = step / updates
        rate = peak * min(1, progress / 0.06 + 0.01) * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-6
        for group in optimiser.param_groups:
            group["lr"] = rate
        mels, lengths, y, w = joined(spanish.batch(round(2700 * (1 - REAL))), english.batch(round(2700 * REAL)))
        spanish.degrade(mels)
        x = normalised(mels, lengths, prior, scale, False)
        spanish.mask(x)
        with torch.cpu.amp.autocast():
            logits = net(stacked(x))
        told = LONGEST - DELAY
        loss = F.cross_entropy(logits.float()[:, :, DELAY:], y[:, :told], reduction="none", label_smoothing=0.05)
        loss = (loss * w[:, :told]).sum() / w[:, :told].sum().clamp(min=1)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 2)
        optimiser.step()
        if time.time() - started > report * 30:
            report += 1
            print(f"{time.time() - started:.0f}s ({time.process_time():.0f}s of processor) step {step} loss {loss.item():.3f}", flush=True)
    held_index, held_mel, held_labels, held_weights = read(held_dir)
    accuracy, entropy = evaluate(net, held_mel, held_index[::3], held_labels, held_weights, prior, scale)
    print(f"done in {time.process_time():.0f}s of processor time; steps of speech by unheard voices: accuracy {accuracy:.4f}, cross-entropy {entropy:.4f}", flush=True)
    torch.save({"net": net.state_dict(), "prior": prior, "scale": scale, "accuracy": accuracy, "entropy": entropy, "seed": 1}, out)


if __name__ == "__main__":
    main()
