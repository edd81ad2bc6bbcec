"""Trains the streaming acoustic model: log-mels of 20 ms steps in, phone log posteriors out, some steps late.

Reads what dump-features.ts wrote; needs torch and numpy only. A run writes OUT.pt (weights and the
normalisation it was trained with). All randomness comes from --seed.
"""
import argparse
import json
import math
import os
import random
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

MELS = 40
CLASSES = 40
CHANNELS = 256
DILATIONS = [1, 2, 4, 8, 1, 2, 4]
DILATIONS_BOTH = [1, 2, 4, 8, 1, 2, 4, 1]
# The output at step s of the live model describes step s - DELAY: 100 ms of future sound before a step is judged.
# The model that hears the whole reading anew at its end (--sight both) sees as far ahead as back, and needs no delay.
DELAY = 5
# The running mean starts as the corpus mean with this many frames' weight ...
PRIOR_FRAMES = 100
# ... and forgets beyond this many (30 s), so that it follows a changed microphone. Training sentences are shorter or nearly so.
MAX_FRAMES = 3000


# Steps of a training sentence.
LONGEST = 300
# The log-mel of zeros: the logarithm of the features' floor.
DIGITAL_SILENCE = math.log(1e-7)


class Block(nn.Module):
    def __init__(self, inputs, outputs, dilation, residual, both):
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, 3, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(outputs)
        self.pad = (dilation, dilation) if both else (2 * dilation, 0)
        self.residual = residual

    def forward(self, x):
        y = torch.relu(self.norm(self.conv(F.pad(x, self.pad))))
        return x + y if self.residual else y


class Acoustic(nn.Module):
    """[batch, 2 * MELS, steps] normalised -> [batch, CLASSES, steps] logits."""

    def __init__(self, both=False):
        super().__init__()
        self.both = both
        self.delay = 0 if both else DELAY
        dilations = DILATIONS_BOTH if both else DILATIONS
        self.blocks = nn.ModuleList([Block(2 * MELS, CHANNELS, 1, False, both)] + [Block(CHANNELS, CHANNELS, d, True, both) for d in dilations])
        self.out = nn.Conv1d(CHANNELS, CLASSES, 1)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.out(x)


def normalise(mels, prior, scale):
    """Causal running mean removed, per frame: [batch, frames, MELS]. The serving graph does the same with explicit state."""
    count = np.arange(1, mels.shape[1] + 1, dtype=np.float32).reshape(1, -1, 1) + PRIOR_FRAMES
    mean = (mels - prior).cumsum(1) / count + prior
    return (mels - mean) / scale


def normalise_whole(mels, prior, scale):
    """For a reading that is over: one mean of each band over the frames that are not digital silence. [frames, MELS]"""
    heard = mels[(mels >= DIGITAL_SILENCE + 0.5).any(1)]
    mean = (heard.sum(0) + prior * PRIOR_FRAMES) / (len(heard) + PRIOR_FRAMES)
    return (mels - mean) / scale


def load(work):
    index = json.load(open(os.path.join(work, "index.json")))
    mel = np.memmap(os.path.join(work, "mel.f32"), dtype=np.float32, mode="r").reshape(-1, MELS)
    return index, mel


def warp_matrix(factor):
    """Resamples the mel axis as a vocal tract of another length would."""
    def mel(hz): return 2595 * math.log10(1 + hz / 700)
    def hz(m): return 700 * (10 ** (m / 2595) - 1)
    low, high = mel(20), mel(7600)
    step = (high - low) / (MELS + 1)
    matrix = np.zeros((MELS, MELS), np.float32)
    for band in range(MELS):
        source = (mel(min(hz(low + step * (band + 1)) * factor, 7600)) - low) / step - 1
        source = min(max(source, 0), MELS - 1)
        base = min(int(source), MELS - 2)
        matrix[band, base] = 1 - (source - base)
        matrix[band, base + 1] = source - base
    return matrix


class Sampler:
    """Draws sentences in random order and augments their log-mels."""

    def __init__(self, mel, entries, labels, weights, native_rate, rng):
        self.mel, self.entries, self.labels, self.weights, self.rng = mel, entries, labels, weights, rng
        self.warps = [warp_matrix(f) for f in np.linspace(0.88, 1.3, 22)]
        self.order = []

    def one(self):
        if not self.order:
            self.order = list(self.entries)
            self.rng.shuffle(self.order)
        entry = self.order.pop()
        mel = np.array(self.mel[entry["melFrame"]:entry["melFrame"] + 2 * entry["steps"]])
        at = entry["labelStep"]
        return mel, self.labels[at:at + entry["steps"]], self.weights[at:at + entry["steps"]].astype(np.float32) / 100

    def augmented(self, limit):
        mel, labels, weights = self.one()
        rng = self.rng
        if len(labels) > limit:
            start = rng.randrange(len(labels) - limit)
            mel, labels, weights = mel[2 * start:2 * (start + limit)], labels[start:start + limit], weights[start:start + limit]
        if rng.random() < 0.1:
            # A sender that gates its silences, or audio that starts after a while of digital zero.
            mel[np.repeat(labels == CLASSES - 1, 2)] = DIGITAL_SILENCE
        if rng.random() < 0.1:
            wait = rng.randrange(5, 80)
            mel = np.concatenate([np.full((2 * wait, MELS), DIGITAL_SILENCE, np.float32), mel])[:2 * limit]
            labels = np.concatenate([np.full(wait, CLASSES - 1, np.uint8), labels])[:limit]
            weights = np.concatenate([np.ones(wait, np.float32), weights])[:limit]
        if rng.random() < 0.5:
            rate = rng.uniform(0.85, 1.2)
            n = min(int(len(labels) / rate), limit)
            take = np.clip((np.arange(2 * n) * rate), 0, len(mel) - 1.001)
            base = take.astype(int)
            part = (take - base)[:, None].astype(np.float32)
            mel = mel[base] * (1 - part) + mel[base + 1] * part
            pick = np.clip(((np.arange(n) + 0.5) * rate).astype(int), 0, len(labels) - 1)
            labels, weights = labels[pick], weights[pick]
        if rng.random() < 0.6:
            mel = mel @ rng.choice(self.warps).T
        if rng.random() < 0.15:
            # Reverberation: each band's energy decays into the following frames.
            decay = math.exp(-6.9 * 0.01 / rng.uniform(0.15, 0.5))
            energy = np.exp(mel)
            tail = np.zeros(MELS, np.float32)
            mix = rng.uniform(0.05, 0.3)
            for t in range(len(energy)):
                tail = tail * decay + energy[t] * (1 - decay)
                energy[t] += mix / (1 - decay) * 0.2 * tail
            mel = np.log(energy)
        if rng.random() < 0.4:
            level = float(np.mean(np.sort(mel.mean(1))[-len(mel) // 3:])) - rng.uniform(3, 30) / 4.343
            if rng.random() < 0.4:
                other, _, _ = self.one()
                other = np.resize(other, mel.shape)
                noise = other - other.mean() + level
            else:
                slope = np.linspace(rng.uniform(-2, 2), rng.uniform(-2, 2), MELS, dtype=np.float32)
                noise = level + slope + np.log(np.random.default_rng(rng.randrange(1 << 30)).gamma(4, 0.25, mel.shape).astype(np.float32) + 1e-3)
            mel = np.logaddexp(mel, noise)
        if rng.random() < 0.7:
            mel = mel + rng.uniform(-2.5, 1.5) + np.linspace(rng.uniform(-1, 1), rng.uniform(-1, 1), MELS, dtype=np.float32)
        return mel.astype(np.float32), labels, weights

    def batch(self, steps):
        """Sentences of one shape, so that the allocator and the convolution's setup are reused: raw log-mels [n, 2 * LONGEST, MELS],
        padded with their last frame, each one's steps, and per step its label and weight."""
        items = [self.augmented(LONGEST - DELAY) for _ in range(steps // LONGEST)]
        mels = np.zeros((len(items), 2 * LONGEST, MELS), np.float32)
        lengths = [len(labels) for _, labels, _ in items]
        y = np.zeros((len(items), LONGEST), np.int64)
        w = np.zeros((len(items), LONGEST), np.float32)
        for i, (mel, labels, weights) in enumerate(items):
            mels[i, :len(mel)] = mel
            mels[i, len(mel):] = mel[-1]
            y[i, :len(labels)] = labels
            w[i, :len(labels)] = weights
        return mels, lengths, torch.from_numpy(y), torch.from_numpy(w)

    def degrade(self, mels):
        """What networks do to some of the sentences, in place; a teacher hears them without it."""
        for row in mels:
            if self.rng.random() < 0.1:
                # A telephone's or a low-rate codec's band: nothing but a floor above its edge.
                edge = self.rng.randrange(28, 38)
                row[:, edge:] = np.minimum(row[:, edge:], row.min() + self.rng.uniform(0, 1))
            if self.rng.random() < 0.1:
                # Lost packets as a decoder conceals them: the last sound goes on and fades.
                lost = self.rng.uniform(0.05, 0.3)
                for step in range(1, len(row) // 2):
                    if self.rng.random() < lost:
                        row[2 * step:2 * step + 2] = np.maximum(row[2 * step - 1] - 0.7, DIGITAL_SILENCE)

    def mask(self, x):
        """Blanks a few bands and a few frames of half the sentences, in place."""
        for row in x:
            if self.rng.random() < 0.5:
                width = self.rng.randrange(1, 7)
                band = self.rng.randrange(MELS - width)
                row[:, band:band + width] = 0
                length = self.rng.randrange(1, 12)
                at = self.rng.randrange(max(1, len(row) - length))
                row[at:at + length] = 0


def normalised(mels, lengths, prior, scale, both):
    if not both:
        return normalise(mels, prior, scale)
    x = np.zeros_like(mels)
    for i, n in enumerate(lengths):
        x[i, :2 * n] = normalise_whole(mels[i, :2 * n], prior, scale)
    return x


def stacked(x):
    """[n, frames, MELS] -> [n, 2 * MELS, steps]."""
    return torch.from_numpy(np.ascontiguousarray(x.reshape(len(x), -1, 2 * MELS).transpose(0, 2, 1), np.float32))


def restore(path):
    """The net of a saved training, ready to be asked, with the mean and the scale of the corpus it was trained with."""
    saved = torch.load(path)
    net = Acoustic(saved.get("both", False))
    net.load_state_dict(saved["net"])
    return net.eval(), saved["prior"], saved["scale"]


def evaluate(net, mel, entries, labels, weights, prior, scale):
    """Frame accuracy over speech steps and cross-entropy, without augmentation."""
    net.eval()
    right = count = loss = 0.0
    with torch.no_grad():
        for entry in entries:
            frames = np.array(mel[entry["melFrame"]:entry["melFrame"] + 2 * entry["steps"]])[None]
            logits = net(stacked(normalised(frames, [entry["steps"]], prior, scale, net.both)))[0].T[net.delay:]
            at = entry["labelStep"]
            y = torch.from_numpy(labels[at:at + len(logits)].astype(np.int64))
            w = torch.from_numpy((weights[at:at + len(logits)] > 50) & (labels[at:at + len(logits)] != CLASSES - 1)).float()
            right += float(((logits.argmax(1) == y).float() * w).sum())
            loss += float((F.cross_entropy(logits, y, reduction="none") * w).sum())
            count += float(w.sum())
    net.train()
    return right / max(count, 1), loss / max(count, 1)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--work", required=True)
    args.add_argument("--out", required=True)
    args.add_argument("--start", help="weights to continue from")
    args.add_argument("--teacher", action="append", default=[], help="models of the same fold that see the whole sentence: half of what is learned is their mean answer")
    args.add_argument("--set", choices=["native", "all"], required=True)
    args.add_argument("--sight", choices=["live", "both"], default="live", help="live: causal, DELAY late; both: the whole reading at once")
    args.add_argument("--folds", type=int, default=3)
    args.add_argument("--hold", type=int, default=-1, help="fold of scored speakers to leave out")
    args.add_argument("--labels", default="labels.u8")
    args.add_argument("--updates", type=int, required=True)
    args.add_argument("--rate", type=float, required=True)
    args.add_argument("--threads", type=int, default=2)
    args.add_argument("--batch", type=int, default=2700)
    args.add_argument("--seed", type=int, default=1)
    a = args.parse_args()
    torch.set_num_threads(a.threads)
    # Values too small for normal floats make every operation on them many times slower.
    torch.set_flush_denormal(True)
    torch.manual_seed(a.seed)
    rng = random.Random(a.seed)
    index, mel = load(a.work)
    labels = np.fromfile(os.path.join(a.work, a.labels), np.uint8)
    weights = np.fromfile(os.path.join(a.work, a.labels.replace("labels", "weights")), np.uint8)

    speakers = sorted({e["spk"] for e in index if e["scored"]})
    fold_of = {s: i % a.folds for i, s in enumerate(speakers)}
    native = [e for e in index if not e["scored"]]
    held_native = [e for e in native if e["spk"] in ("ls3526",)] if a.set == "native" else []
    scored = [e for e in index if e["scored"]]
    held = [e for e in scored if fold_of[e["spk"]] == a.hold]
    train = [e for e in native if e not in held_native] if a.set == "native" else native + [e for e in scored if fold_of[e["spk"]] != a.hold] * 2
    check = (held_native or held or scored)[::7]

    net = Acoustic(a.sight == "both")
    if a.start:
        saved = torch.load(a.start)
        net.load_state_dict(saved["net"])
        prior, scale = saved["prior"], saved["scale"]
    else:
        sample = np.array(mel[::50])
        prior, scale = sample.mean(0), 0.85 * sample.std(0)
    teachers = [restore(path)[0] for path in a.teacher]
    optimiser = torch.optim.AdamW(net.parameters(), lr=a.rate, weight_decay=0.01, betas=(0.9, 0.98))
    sampler = Sampler(mel, train, labels, weights, 1, rng)
    started = time.time()
    step, seen, report = 0, 0, 0
    while step < a.updates:
        progress = step / a.updates
        rate = a.rate * min(1, progress / 0.06 + 0.01) * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-6
        for group in optimiser.param_groups:
            group["lr"] = rate
        mels, lengths, y, w = sampler.batch(a.batch)
        taught = None
        if teachers:
            with torch.no_grad(), torch.cpu.amp.autocast():
                whole = stacked(normalised(mels, lengths, prior, scale, True))
                taught = sum(F.softmax(teacher(whole).float(), 1) for teacher in teachers) / len(teachers)
        sampler.degrade(mels)
        x = normalised(mels, lengths, prior, scale, net.both)
        sampler.mask(x)
        with torch.cpu.amp.autocast():
            logits = net(stacked(x))
        told = LONGEST - net.delay
        logits = logits.float()[:, :, net.delay:]
        y, w = y[:, :told], w[:, :told]
        loss = (F.cross_entropy(logits, y, reduction="none", label_smoothing=0.05) * w).sum() / w.sum().clamp(min=1)
        if taught is not None:
            # The teacher also knows what was said where the experts heard something else than the text.
            real = (torch.arange(told)[None] < torch.tensor(lengths)[:, None]).float()
            soft = -(taught[:, :, :told] * F.log_softmax(logits, 1)).sum(1)
            loss = 0.5 * loss + 0.5 * (soft * real).sum() / real.sum()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 2)
        optimiser.step()
        step += 1
        seen += len(mels) * LONGEST
        if time.time() - started > report * 30:
            report += 1
            print(f"{time.time() - started:.0f}s step {step} loss {loss.item():.3f} {seen / (time.time() - started):.0f} steps/s", flush=True)
    accuracy, entropy = evaluate(net, mel, check, labels, weights, prior, scale)
    print(f"done: {step} updates, {seen} steps; held-out speech frames: accuracy {accuracy:.4f}, cross-entropy {entropy:.4f}", flush=True)
    torch.save({"net": net.state_dict(), "prior": prior, "scale": scale, "accuracy": accuracy, "entropy": entropy, "both": net.both, "seed": a.seed}, a.out + ".tmp")
    os.replace(a.out + ".tmp", a.out)


if __name__ == "__main__":
    main()
