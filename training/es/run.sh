#!/usr/bin/env bash
# Usage: training/es/run.sh [ENGLISH_WORK_DIR] [WORK_DIR] [OUT_DIR]
# Makes the Spanish pack from synthetic voices and the English model (training/run.sh has to have run in ENGLISH_WORK_DIR).
# Each step is skipped where its output exists. Needs espeak-ng, sox, festival with festvox-italp16k and festvox-itapc16k, and a
# Python with torch and numpy (PYTHON, by default Debian's). About five minutes of one processor.
set -euo pipefail
cd "$(dirname "$0")/../.."
english=${1:-training/work}
work=${2:-training/work/es}
out=${3:-models/es}
python=${PYTHON:-/usr/bin/python3}
export PATH="$PWD/node_modules/.bin:$PATH"
mkdir -p "$work"
# Voices that no training hears: those the judge is fitted on, and those it is tried out on; each of espeak-ng's and of another make.
fit=("$work/held=m7,f5,Andrea,klatt3" "$work/other=lp")
try=("$work/held=Marco,Benjamin,shelby,Diogo" "$work/other=pc")

step() { # step OUTPUT COMMAND...: runs the command unless its output is there
  local output=$1
  shift
  if [ ! -e "$output" ]; then
    echo "== $output"
    "$@"
  fi
}
spoken() { # spoken NAME MINUTES SEED VOICES
  step "$work/$1/index.json" "$python" training/es/speak.py "$work/$1" "$2" "$3" "$4"
  step "$work/$1/mel.f32" node training/es/features.ts "$work/$1"
}

spoken train 150 1 train
spoken held 10 2 held
step "$work/other/index.json" node training/es/other-voices.ts "$work/other"
step "$work/es.pt" "$python" training/es/train.py "$work/train" "$work/held" "$english" labels3.u8 "$english/am/call.pt" "$work/es.pt" 1250 1.2e-3
step "$work/acoustic/acoustic.json" "$python" training/export_acoustic.py "$work/es.pt" "$work/acoustic"
rm -rf "$out"
node training/es/assemble.ts "$work/train" "$work/acoustic" "$out"
node training/es/dump.ts "$out" "$work/judge" "${fit[@]}"
"$python" training/es/fit_judge.py "$work/judge" "$out"
node training/es/evaluate.ts "$out" "$work/metrics.json" "${try[@]}"
node training/es/assemble.ts "$work/train" "$work/acoustic" "$out" "$work/metrics.json"
