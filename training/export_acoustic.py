"""Usage: export_acoustic.py WEIGHTS.pt OUT_DIR
Writes OUT_DIR/acoustic.onnx (one 20 ms step with explicit state), acoustic.json and check.json from trained weights, or,
where these are of the model that hears a whole reading (--sight both), review.onnx, review.json and review-check.json.

In the step graph a convolution is a product with the layer's present input and the two earlier ones
that it looks back to ("taps"). The caller keeps each layer's past in ring buffers, so the graph copies no state.
"""
import json
import os
import sys

import numpy as np
import torch
from torch import nn

from train_acoustic import Acoustic, CHANNELS, DELAY, DILATIONS, MAX_FRAMES, MELS, PRIOR_FRAMES, normalise, normalise_whole


class Halved(nn.Module):
    """Keeps a layer's weights as 16-bit floats, which is half the file; the runtime widens them once, when it loads the graph."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.weight = nn.Parameter(layer.weight.data.half(), requires_grad=False)
        del layer.weight

    def forward(self, x):
        self.layer.weight = self.weight.float()
        return self.layer(x)


class Step(nn.Module):
    def __init__(self, net, scale):
        super().__init__()
        self.layers = nn.ModuleList()
        for block in net.blocks:
            norm = block.norm
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            weight = block.conv.weight * gain[:, None, None]
            layer = nn.Linear(weight.shape[1] * 3, CHANNELS)
            layer.weight.data = weight.permute(0, 2, 1).reshape(CHANNELS, -1).contiguous()
            layer.bias.data = norm.bias - norm.running_mean * gain
            self.layers.append(Halved(layer))
        self.out = nn.Linear(CHANNELS, net.out.weight.shape[0])
        self.out.weight.data = net.out.weight.data[:, :, 0].contiguous()
        self.out.bias.data = net.out.bias.data
        self.sizes = [2 * (2 * MELS)] + [2 * CHANNELS] * len(DILATIONS)
        self.inverse = nn.Parameter(1 / scale.repeat(2))

    def forward(self, mel, mean, rate, taps):
        """mel [B, 80]: two raw frames; mean [B, 40]; rate [B, 2]: 1 / frames in the mean; taps [B, all layers' two past inputs, older first]."""
        first, second = mel[:, :MELS], mel[:, MELS:]
        mean1 = mean + (first - mean) * rate[:, 0:1]
        mean2 = mean1 + (second - mean1) * rate[:, 1:2]
        x = torch.cat([first - mean1, second - mean2], 1) * self.inverse
        fresh = [x]
        parts = torch.split(taps, self.sizes, 1)
        for i, layer in enumerate(self.layers):
            y = torch.relu(layer(torch.cat([parts[i], x], 1)))
            x = x + y if i else y
            fresh.append(x)
        return torch.log_softmax(self.out(x), 1), mean2, torch.cat(fresh[:-1], 1)


def rollout(step, mel, prior):
    """Runs the step graph over a sentence with state kept as the server keeps it."""
    dilations = [1] + DILATIONS
    widths = [2 * MELS] + [CHANNELS] * len(DILATIONS)
    history = [[torch.zeros(w)] * (2 * d) for w, d in zip(widths, dilations)]
    mean, out = prior[None].clone(), []
    for s in range(len(mel) // 2):
        taps = torch.cat([torch.cat([h[-2 * d], h[-d]]) for h, d in zip(history, dilations)])[None]
        counts = [min(PRIOR_FRAMES + 2 * s + k, MAX_FRAMES) for k in (1, 2)]
        rate = torch.tensor([[1 / c for c in counts]])
        logp, mean, fresh = step(mel[2 * s:2 * s + 2].reshape(1, -1), mean, rate, taps)
        for h, part in zip(history, torch.split(fresh[0], widths)):
            h.append(part)
            h.pop(0)
        out.append(logp[0])
    return torch.stack(out)


class Whole(nn.Module):
    """A reading at once, or a part of it: mel [1, steps, 80], each band's mean over the reading removed -> [1, steps, CLASSES]."""

    def __init__(self, net, scale):
        super().__init__()
        self.layers = nn.ModuleList()
        for block in net.blocks:
            norm = block.norm
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            dilation = block.conv.dilation[0]
            layer = nn.Conv1d(block.conv.in_channels, CHANNELS, 3, dilation=dilation, padding=dilation)
            layer.weight.data = block.conv.weight.data * gain.data[:, None, None]
            layer.bias.data = norm.bias.data - norm.running_mean * gain.data
            self.layers.append(Halved(layer))
        self.out = net.out
        self.inverse = nn.Parameter(1 / scale.repeat(2))
        # Steps to either side that an output depends on.
        self.reach = sum(layer.layer.dilation[0] for layer in self.layers)

    def forward(self, mel):
        x = (mel * self.inverse).transpose(1, 2)
        for i, layer in enumerate(self.layers):
            y = torch.relu(layer(x))
            x = x + y if i else y
        return torch.log_softmax(self.out(x).transpose(1, 2), 2)


def export_review(saved, out_dir, mel):
    net, prior, scale = Acoustic(True).eval(), saved["prior"], saved["scale"]
    net.load_state_dict(saved["net"])
    whole = Whole(net, torch.from_numpy(scale)).eval()
    normal = torch.from_numpy(normalise_whole(mel, prior, scale).astype(np.float32))
    centred = (normal * torch.from_numpy(scale)).reshape(1, -1, 2 * MELS)
    with torch.no_grad():
        expected = torch.log_softmax(net(normal.reshape(1, -1, 2 * MELS).transpose(1, 2))[0].T, 1)
        # In the parts that the server asks for, and with the steps around them that it adds.
        parts, size, steps = [], 20, len(expected)
        for start in range(0, steps, size):
            first, last = max(0, start - whole.reach), min(steps, start + size + whole.reach)
            parts.append(whole(centred[:, first:last])[0, start - first:start - first + size])
        difference = (torch.cat(parts) - expected).abs().max().item()
    print("review graph against training graph: largest difference", difference)
    assert difference < 0.05
    torch.onnx.export(whole, (centred,), os.path.join(out_dir, "review.onnx"), input_names=["mel"], output_names=["logp"], opset_version=13, do_constant_folding=False,
                      dynamic_axes={"mel": {1: "steps"}, "logp": {1: "steps"}})
    json.dump({"mel": [round(float(v), 4) for v in mel.flatten()], "logp": [round(v, 4) for v in expected.flatten().tolist()]},
              open(os.path.join(out_dir, "review-check.json"), "w"))
    json.dump({"prior": [round(float(v), 5) for v in prior], "priorFrames": PRIOR_FRAMES, "reach": whole.reach,
               "frameAccuracy": saved["accuracy"], "seed": saved["seed"]}, open(os.path.join(out_dir, "review.json"), "w"))


def main():
    weights, out_dir = sys.argv[1:3]
    os.makedirs(out_dir, exist_ok=True)
    saved = torch.load(weights)
    if saved.get("both"):
        rng = np.random.default_rng(7)
        frames = saved["prior"] + np.cumsum(rng.normal(0, 0.6, (400, MELS)), 0).clip(-6, 6)
        export_review(saved, out_dir, np.round(frames, 4).astype(np.float32))
        return
    net = Acoustic().eval()
    net.load_state_dict(saved["net"])
    prior, scale = torch.from_numpy(saved["prior"]), torch.from_numpy(saved["scale"])
    step = Step(net, scale).eval()
    rng = np.random.default_rng(7)
    mel = torch.from_numpy(np.round(saved["prior"] + np.cumsum(rng.normal(0, 0.6, (60, MELS)), 0).clip(-6, 6), 4).astype(np.float32))
    with torch.no_grad():
        whole = torch.log_softmax(net(torch.from_numpy(normalise(mel.numpy()[None], saved["prior"], saved["scale"])).reshape(1, -1, 2 * MELS).transpose(1, 2))[0].T, 1)
        difference = (rollout(step, mel, prior) - whole).abs().max().item()
    print("step graph against training graph: largest difference", difference)
    assert difference < 0.05
    total = sum(step.sizes)
    torch.onnx.export(
        step, (torch.zeros(2, 2 * MELS), torch.zeros(2, MELS), torch.zeros(2, 2), torch.zeros(2, total)), os.path.join(out_dir, "acoustic.onnx"),
        input_names=["mel", "mean", "rate", "taps"], output_names=["logp", "meanOut", "fresh"], opset_version=13, do_constant_folding=False,
        dynamic_axes={n: {0: "batch"} for n in ["mel", "mean", "rate", "taps", "logp", "meanOut", "fresh"]})
    json.dump({"mel": [round(v, 4) for v in mel.flatten().tolist()], "logp": [round(v, 4) for v in whole.flatten().tolist()]}, open(os.path.join(out_dir, "check.json"), "w"))
    json.dump({"prior": [round(v, 5) for v in prior.tolist()], "priorFrames": PRIOR_FRAMES, "maxFrames": MAX_FRAMES, "delay": DELAY,
               "mels": MELS, "channels": CHANNELS, "dilations": [1] + DILATIONS, "frameAccuracy": saved["accuracy"], "seed": saved["seed"]},
              open(os.path.join(out_dir, "acoustic.json"), "w"))


if __name__ == "__main__":
    main()
