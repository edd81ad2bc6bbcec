"""Speaks Spanish with many synthetic voices and writes what was said when.

Usage: speak.py OUT_DIR MINUTES SEED VOICES   (VOICES: train or held)

espeak-ng tells the start of every phone (its phoneme events), so no aligner is needed. Sentences are random words of
words.txt and made-up ones: what matters here is sounds in each other's company, not sense.
Writes OUT_DIR/pcm.s16 (16 kHz mono, all sentences in a row) and OUT_DIR/index.json (voice, text, first sample, samples,
phones as [name, start ms], the end as ["", ms]).
"""
import collections
import ctypes
import json
import multiprocessing
import os
import random
import subprocess
import sys

import numpy as np

RATE = 22050

# Voices that no training hears: they tell how well it does on others.
HELD = ["m7", "f5", "Andrea", "Marco", "klatt3", "Benjamin", "shelby", "Diogo"]
TRAIN = ["", "m1", "m2", "m3", "m4", "m5", "m6", "m8", "f1", "f2", "f3", "f4", "Adam", "Alex", "Alicia", "Andy", "Annie", "antonio", "aunty", "belinda",
         "boris", "caleb", "david", "Denis", "Ed", "edward", "Gene", "grandma", "grandpa", "Henrique", "Hugo", "iven", "iven3", "Jacky", "john", "kaukovalta",
         "klatt", "klatt2", "klatt4", "Lee", "linda", "marcelo", "Mario", "Max", "michael", "miguel", "Mike", "Nguyen", "norbert", "pablo", "paul", "pedro",
         "quincy", "rob", "sandro", "steph", "steph2", "travis", "victor", "Zac", "anika", "croak"]

# espeak-ng's names of what it said, as the pack's phones. What is not here is a pause or a mark that belongs to the phone before it.
PHONES = {
    **{name: [name] for name in "a e i o u j w p b t d k g f s x m n l".split()},
    "B": ["b"], "D": ["d"], "Q": ["g"], "T": ["th"], "tS": ["ch"], "J^": ["y"], "dZ": ["y"], "l^": ["y"], "n^": ["ny"], "N": ["n"], "z": ["s"], "h": ["x"], "E": ["e"], "O": ["o"],
    "**": ["r"], "*": ["r"], "r": ["r"], "R2": ["rr"], "R": ["rr"],
    **{first + second: [first, glide] for first in "aeo" for second, glide in (("I", "j"), ("U", "w"))},
}
PAUSES = {"_", "_:", "_!", "_|", "_::"}
# Palatalisation, and the bit of vowel inside of a group of consonants.
MARKS = {";", "@-"}
# Of a diphthong that espeak-ng tells as one phone the vowel has this share.
VOWEL_SHARE = 0.6

# espeak-ng tells of a stop when it bursts; the closure before it, up to this long, is the stop's too.
STOPS = {"p", "t", "k", "b", "d", "g", "ch"}
CLOSURE = RATE // 10
LEAST = RATE // 50

PHONEME_EVENT = 7
PHONEME_EVENTS = 1
SYNCHRONOUS = 2
UTF8 = 1
SPEED, PITCH, RANGE = 1, 3, 4


class Name(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class Event(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("identifier", ctypes.c_uint), ("position", ctypes.c_int), ("length", ctypes.c_int), ("audioMs", ctypes.c_int),
                ("sample", ctypes.c_int), ("user", ctypes.c_void_p), ("id", Name)]


class Espeak:
    def __init__(self):
        self.library = ctypes.CDLL("libespeak-ng.so.1")
        assert self.library.espeak_Initialize(SYNCHRONOUS, 0, None, PHONEME_EVENTS) == RATE
        self.sound, self.events = [], []
        receive = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))
        self.callback = receive(self.receive)
        self.library.espeak_SetSynthCallback(self.callback)

    def receive(self, samples, count, events):
        if count > 0:
            self.sound.append(ctypes.string_at(samples, 2 * count))
        at = 0
        while events[at].type != 0:
            if events[at].type == PHONEME_EVENT:
                self.events.append((events[at].id.string.decode(), events[at].sample))
            at += 1
        return 0

    def speak(self, voice, text, speed, pitch, spread):
        """-> (bytes of samples at RATE, [[phone or "" for a pause, start sample]])"""
        self.sound.clear()
        self.events.clear()
        if self.library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"no voice {voice}")
        for parameter, value in ((SPEED, speed), (PITCH, pitch), (RANGE, spread)):
            self.library.espeak_SetParameter(parameter, value, 0)
        data = text.encode() + b"\0"
        self.library.espeak_Synth(data, len(data), 0, 1, 0, UTF8, None, None)
        self.library.espeak_Synchronize()
        sound = b"".join(self.sound)
        phones = []
        for i, (name, start) in enumerate(self.events):
            if name in PAUSES or name == "":
                phones.append(["", start])
            elif name in PHONES:
                end = self.events[i + 1][1] if i + 1 < len(self.events) else len(sound) // 2
                parts = PHONES[name]
                phones.append([parts[0], start])
                if len(parts) == 2:
                    phones.append([parts[1], round(start + VOWEL_SHARE * (end - start))])
            elif name not in MARKS:
                raise ValueError(f"what is {name} in {text}?")
        phones = as_written(phones)
        return sound, with_closures(phones, np.frombuffer(sound, np.int16).astype(np.float32))


def as_written(phones):
    """espeak-ng's habits undone: ll between vowels as a double j, and the glide of "luego" as a full u."""
    out = []
    for i, (name, start) in enumerate(phones):
        after = phones[i + 1][0] if i + 1 < len(phones) else ""
        if name == "j" and out and out[-1][0] == "j":
            out[-1][0] = "y"
        elif name == "u" and after in ("a", "e", "i") and out and out[-1][0] in ("l", "r", "rr", "y", "g"):
            out.append(["w", start])
        else:
            out.append([name, start])
    return out


def with_closures(phones, samples):
    window = RATE // 200
    level = np.sqrt((samples[:len(samples) // window * window].reshape(-1, window) ** 2).mean(1))
    quiet = 0.06 * np.percentile(level, 95)
    for before, phone in zip([["", 0]] + phones, phones):
        if phone[0] in STOPS:
            least = max(phone[1] - CLOSURE, before[1] + (LEAST if before[0] else 0))
            while phone[1] - window >= least and level[min(phone[1] // window, len(level)) - 1] < quiet:
                phone[1] -= window
    return phones


def made_up(rng):
    """A word that Spanish could have."""
    def syllable(first):
        onset = rng.choice("p b t d k g f s z j rr r l m n ñ ll ch v pr tr cr br dr gr fr pl cl bl gl fl".split() + [""])
        if not first and onset == "r" and rng.random() < 0.3:
            onset = "rr"
        if first and onset == "rr":
            onset = "r"
        vowel = rng.choice("a e i o u".split() * 4 + "ie ue ia io ua ei ai au oi eu".split())
        front = vowel[0] in "ei"
        onset = {"k": "qu" if front else "c", "g": "gu" if front else "g", "z": "c" if front else "z"}.get(onset, onset)
        return onset + vowel + rng.choice(["", "", "", "", "n", "s", "r", "l"])
    return "".join(syllable(i == 0) for i in range(rng.choice([1, 2, 2, 3])))


def sentence(words, rng):
    chosen = [made_up(rng) if rng.random() < 0.2 else rng.choice(words) for _ in range(rng.randrange(2, 9))]
    return "".join(word + (", " if i % 4 == 3 and rng.random() < 0.5 else " ") for i, word in enumerate(chosen)).strip(", ") + "."


Plan = collections.namedtuple("Plan", "voice words seed")


def speak_all(plan, seconds, connection):
    """Sends [(text, samples, phones)] of at least so many seconds."""
    rng, espeak, spoken, total = random.Random(plan.seed), Espeak(), [], 0
    while total < seconds * RATE:
        text = sentence(plan.words, rng)
        sound, phones = espeak.speak(plan.voice, text, rng.randrange(110, 210), rng.randrange(15, 85), rng.randrange(20, 80))
        spoken.append((text, sound, phones))
        total += len(sound) // 2
    connection.send(spoken)


def apart(plan, seconds):
    """What `speak_all` gives, from a process of its own: now and then espeak-ng dies of a sentence, and then others are taken."""
    while True:
        here, there = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.Process(target=speak_all, args=(plan, seconds, there))
        process.start()
        there.close()
        try:
            return here.recv()
        except EOFError:
            plan = plan._replace(seed=plan.seed + 1)
        finally:
            process.join()


def main():
    out, minutes, seed, which = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    os.makedirs(out, exist_ok=True)
    words = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "words.txt"), encoding="utf8").read().split()
    rng = random.Random(seed)
    plans = [Plan(voice + (f"+{variant}" if variant else ""), words, rng.randrange(1 << 30))
             for variant in (HELD if which == "held" else TRAIN) for voice in ("es", "es-419")]
    index, total = [], 0
    raw = os.path.join(out, "pcm22.s16")
    noise = np.random.default_rng(seed)
    with open(raw, "wb") as file:
        for plan in plans:
            for text, sound, phones in apart(plan, minutes * 60 / len(plans)):
                # A quarter of a second on either side, so that sentences end in silence. The last bits stand for a microphone's noise.
                pad = RATE // 4
                samples = len(sound) // 2 + 2 * pad
                around = noise.integers(-2, 3, 2 * pad).astype(np.int16).tobytes()
                file.write(around[:2 * pad] + sound + around[2 * pad:])
                at = [[name, round((start + pad) / RATE * 1000, 1)] for name, start in phones]
                index.append({"voice": plan.voice, "text": text, "first": total, "samples": samples, "phones": at + [["", round((samples - pad) / RATE * 1000, 1)]]})
                total += samples
    # One resampling for all: places scale with it.
    subprocess.run(["sox", "-D", "-t", "raw", "-r", str(RATE), "-c", "1", "-b", "16", "-e", "signed", raw, "-r", "16000", "-t", "raw", "-b", "16", "-e", "signed",
                    os.path.join(out, "pcm.s16")], check=True)
    os.remove(raw)
    for entry in index:
        first, end = round(entry["first"] * 16000 / RATE), round((entry["first"] + entry["samples"]) * 16000 / RATE)
        entry["first"], entry["samples"] = first, end - first
    json.dump(index, open(os.path.join(out, "index.json"), "w"))
    print(f"{len(index)} sentences, {total / RATE / 60:.0f} minutes, {len({e['voice'] for e in index})} voices")


if __name__ == "__main__":
    main()
