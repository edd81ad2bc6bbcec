"""What the trainings of the judging nets share."""
import base64

import numpy as np
import torch


def batches(sequences, size, rng):
    """Batches of sentences of about one length, in random order."""
    order = sorted(sequences, key=lambda s: s["length"] + rng.random() * 8)
    groups = [order[i:i + size] for i in range(0, len(order) - size + 1, size)]
    rng.shuffle(groups)
    return groups


def statistics(sequences, name):
    used = np.concatenate([s[name] for s in sequences])
    return torch.from_numpy(used.mean(0)), torch.from_numpy(used.std(0).clip(0.05))


def encoded(values, kind):
    return base64.b64encode(np.ascontiguousarray(values, kind).tobytes()).decode()


def rounded(net):
    """Packs keep weights as 16-bit floats: what is measured and checked holds the rounded values already."""
    for value in net.state_dict().values():
        value.copy_(value.half().float())
    return net


def tensors_of(net):
    return {name: {"shape": list(v.shape), "data": encoded(v.numpy(), "<f2")} for name, v in net.state_dict().items()}
