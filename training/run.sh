#!/usr/bin/env bash
# Usage: training/run.sh [SPEECH_DIR] [WORK_DIR] [OUT_DIR]
# Makes the English pack from the speech data: features, acoustic models, alignment, head, evaluation, models/en.
# Each step is skipped where its output exists, so a run that was stopped goes on where it was.
# SHORT=100 rehearses all of it with a hundredth of the acoustic training (give it a WORK_DIR and OUT_DIR of its own).
# Needs ffmpeg and a Python with torch and numpy (PYTHON, by default Debian's). About an hour and a half on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
speech=$(realpath "${1:-../shared/speech}")
work=${2:-training/work}
out=${3:-models/en}
python=${PYTHON:-/usr/bin/python3}
threads=${THREADS:-2}
short=${SHORT:-1}
folds=3
export PATH="$PWD/node_modules/.bin:$PATH"
mkdir -p "$work/audio" "$work/am"

step() { # step OUTPUT COMMAND...: runs the command unless its output is there
  local output=$1
  shift
  if [ ! -e "$output" ]; then
    echo "== $output"
    "$@"
  fi
}
acoustic() { # acoustic NAME ARGS...: trains and exports one acoustic model
  local name=$1
  shift
  step "$work/am/$name.pt" "$python" training/train_acoustic.py --work "$work" --out "$work/am/$name.pt" --folds $folds --threads "$threads" "$@"
  step "$work/am/$name/done" "$python" training/export_acoustic.py "$work/am/$name.pt" "$work/am/$name"
  touch "$work/am/$name/done"
}
posteriors() { # posteriors STAGE FILE: every scored sentence by the model that never heard its speaker
  if [ ! -e "$2" ]; then
    for fold in $(seq 0 $((folds - 1))); do
      node training/dump-posteriors.ts "$work" "$work/am/$1$fold" $folds "$fold" "$2.part"
    done
    if [ "$1" != live ]; then node training/dump-posteriors.ts "$work" "$work/am/${1}0" $folds native "$2.part"; fi
    mv "$2.part" "$2"
  fi
}
reviews() { # reviews FILE: the same by the models that hear the whole reading
  if [ ! -e "$1" ]; then
    for fold in $(seq 0 $((folds - 1))); do
      node training/dump-review.ts "$work" "$work/am/review$fold" $folds "$fold" "$1.part"
    done
    mv "$1.part" "$1"
  fi
}
unpack() { for tar in so762-train libri-clean-5 kathleen lj; do tar xf "$speech/$tar.tar" -C "$work/audio"; done; }

step "$work/audio/lj" unpack
step "$work/index.json" node training/dump-features.ts "$speech" "$work"
step "$work/durations.json" node training/durations.ts "$speech" "$work"

acoustic native --set native --updates $((7600 / short)) --rate 2e-3
for fold in $(seq 0 $((folds - 1))); do
  acoustic "b$fold" --set all --hold "$fold" --start "$work/am/native.pt" --updates $((1800 / short)) --rate 1.5e-3 --seed $((fold + 1))
done
posteriors b "$work/post-b.f32"
step "$work/labels2.u8" node training/realign.ts "$speech" "$work" "$work/post-b.f32" "$work/labels2.u8"
for fold in $(seq 0 $((folds - 1))); do
  acoustic "c$fold" --set all --hold "$fold" --labels labels2.u8 --start "$work/am/b$fold.pt" --updates $((1400 / short)) --rate 1.2e-3 --seed $((fold + 11))
done
acoustic call --set all --labels labels2.u8 --start "$work/am/b0.pt" --updates $((2800 / short)) --rate 1.2e-3 --seed 21

posteriors c "$work/post-c.f32"
step "$work/labels3.u8" node training/realign.ts "$speech" "$work" "$work/post-c.f32" "$work/labels3.u8"
# The models for the finished reading, and the live ones once more, taught by them.
acoustic review-native --sight both --set native --labels labels3.u8 --updates $((8000 / short)) --rate 2e-3 --seed 5
for fold in $(seq 0 $((folds - 1))); do
  acoustic "review$fold" --sight both --set all --hold "$fold" --labels labels3.u8 --start "$work/am/review-native.pt" --updates $((3100 / short)) --rate 1.5e-3 --seed $((fold + 31))
  acoustic "live$fold" --set all --hold "$fold" --labels labels3.u8 --start "$work/am/c$fold.pt" --teacher "$work/am/review$fold.pt" --updates $((1500 / short)) --rate 1.2e-3 --seed $((fold + 41))
done
acoustic reviewall --sight both --set all --labels labels3.u8 --start "$work/am/review-native.pt" --updates $((3100 / short)) --rate 1.5e-3 --seed 39
acoustic liveall --set all --labels labels3.u8 --start "$work/am/call.pt" --teacher "$work/am/reviewall.pt" --updates $((1500 / short)) --rate 1.2e-3 --seed 49
posteriors live "$work/post-live.f32"
reviews "$work/post-review.f32"

# The judging nets also learn from what the models before made of the same sentences.
step "$work/head.json" node training/dump-head.ts "$speech" "$work" "$work/post-live.f32" "$work/head" 1 "$work/post-review.f32"
step "$work/head-c.json" node training/dump-head.ts "$speech" "$work" "$work/post-c.f32" "$work/head-c" 2 "$work/post-review.f32"
step "$work/heads/head.json" "$python" training/train_head.py --dump "$work/head" --more "$work/head-c" --out "$work/heads" --folds $folds
step "$work/heads/refine.json" "$python" training/train_refine.py --dump "$work/head" --more "$work/head-c" --out "$work/heads" --folds $folds
for fold in $(seq 0 $((folds - 1))); do
  step "$work/pack$fold/manifest.json" node training/assemble.ts "$work" "$work/am/live$fold" "$work/am/review$fold" "$work/heads/fold$fold" "$work/pack$fold"
done
step "$work/prosody.json" node training/dump-prosody.ts "$speech" "$work" "$work/pack" $folds "$work/prosody.json"
step "$work/heads/prosody.json" "$python" training/train_prosody.py --dump "$work/prosody.json" --out "$work/heads" --folds $folds
step "$work/heads/stress.json" "$python" training/train_stress.py --dump "$work/prosody.json" --out "$work/heads" --folds $folds
for fold in $(seq 0 $((folds - 1))); do cp "$work/heads/fold$fold/"{prosody,stress}.json "$work/pack$fold/"; done
step "$work/metrics.json" node training/evaluate.ts "$speech" "$work" "$work/pack" $folds "$work/metrics.json"
node training/assemble.ts "$work" "$work/am/liveall" "$work/am/reviewall" "$work/heads" "$out" "$work/metrics.json"
node training/phone-loop.ts "$speech" "$work" "$work/post-live.f32" $folds "$out"
step "$out/lts.bin" node training/lts.ts "$out"
