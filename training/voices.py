"""What is usual for well said phones, how a reading's phones lie to it, and what is known of a speaker from earlier sentences."""
import numpy as np
import torch

from readings import CLASSES, batch_of

# No measure counts as further than this from what is usual, in deviations.
FARTHEST = 6
# At most so many earlier sentences count.
MOST_EARLIER = 20


def usual_of(sequences):
    """Per phone each column's mean and deviation among those that the experts call well said: [CLASSES, 2, width]."""
    x = np.concatenate([s["whole"] for s in sequences])
    phone = np.concatenate([s["phone"] for s in sequences])
    good = np.concatenate([s["score"] for s in sequences]) >= 1.8
    table = np.zeros((CLASSES, 2, x.shape[1]), np.float32)
    table[:] = np.stack([x[good].mean(0), x[good].std(0).clip(0.1)])
    for c in range(CLASSES):
        rows = x[good & (phone == c)]
        if len(rows) > 20:
            table[c] = rows.mean(0), rows.std(0).clip(0.1)
    return table


def describe_voices(sequences, usual):
    """Adds to each sentence its phones against the usual ("own"), its voice (their mean, and the pace), and the speaker's sentences in order."""
    by_speaker = {}
    for s in sequences:
        s["own"] = ((s["whole"] - usual[s["phone"], 0]) / usual[s["phone"], 1]).clip(-FARTHEST, FARTHEST).astype(np.float32)
        s["voice"] = np.concatenate([s["own"].mean(0), s["pace"]])
        own = by_speaker.setdefault((s["view"], s["spk"]), [])
        s["others"], s["place"] = own, len(own)
        own.append(s)


def context_of(earlier, width):
    """The mean voice of earlier sentences, its weight and how many they are: [width + 2]."""
    if not earlier:
        return np.zeros(width + 2, np.float32)
    n = len(earlier)
    return np.concatenate([np.mean([s["voice"] for s in earlier], 0), [n / (n + 2), np.log1p(n)]]).astype(np.float32)


def batch_with(sequences, inputs, earlier):
    """`earlier` gives a sentence's earlier ones."""
    b = batch_of(sequences, inputs)
    width = len(sequences[0]["voice"])
    b["context"] = torch.from_numpy(np.stack([context_of(earlier(s), width) for s in sequences]))
    return b


def random_earlier(sequence, sequences, rng):
    """Some other sentences of the speaker as if they had come before; none at times, and at times another speaker's, as where a device is shared."""
    chance = rng.random()
    if chance < 0.2:
        return []
    others = sequence["others"]
    if chance > 0.9:
        others = rng.choice(sequences)["others"]
    others = [s for s in others if s is not sequence]
    return rng.sample(others, rng.randint(1, min(MOST_EARLIER, len(others)))) if others else []


def earlier_of(sequence):
    """The speaker's sentences that really came before."""
    return sequence["others"][max(0, sequence["place"] - MOST_EARLIER):sequence["place"]]
