"""The figures that training prints as it goes; those that count are evaluate.ts's."""
import numpy as np


def pcc(a, b):
    return float(np.corrcoef(a, b)[0, 1])


def centred(values, groups):
    _, group = np.unique(groups, return_inverse=True)
    return values - (np.bincount(group, values) / np.bincount(group))[group]


def report(name, sequences, outputs):
    """`outputs` holds each sentence's phone scores, word scores and sentence scores."""
    machine = np.concatenate([o[0] for o in outputs]).clip(0, 2)
    human = np.concatenate([s["score"] for s in sequences])
    speakers = np.repeat([s["spk"] for s in sequences], [s["length"] for s in sequences])
    child = np.repeat([s["age"] < 16 for s in sequences], [s["length"] for s in sequences])
    others = ~np.char.startswith(speakers, "96")
    words = pcc(np.concatenate([o[1] for o in outputs]), np.concatenate([s["wordScore"] for s in sequences]))
    total = pcc([o[2][2] for o in outputs], [s["sentence"][2] for s in sequences])
    red = np.quantile(machine[human >= 1.8], 0.03)
    print(f"{name}: phone {pcc(machine, human):.4f} within {pcc(centred(machine, speakers), centred(human, speakers)):.3f} "
          f"without 96xx {pcc(machine[others], human[others]):.3f} children {pcc(machine[child], human[child]):.3f} "
          f"adults {pcc(machine[~child], human[~child]):.3f} word {words:.4f} total {total:.4f} "
          f"caught {(machine[human < 0.5] < red).mean():.3f}", flush=True)
