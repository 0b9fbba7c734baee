#!/usr/bin/env bash
# Trains one YAML with Python Axolotl and with axolotl-hpc from one adapter and compares the runs.
#
#   AXL_PYTHON=PYTHON perf/parity/run.sh DATA.json [FOLDER]      (default FOLDER: build/parity)
#
# DATA.json is a file of alpaca rows, at least 400 of them. PYTHON is an interpreter with Axolotl
# (perf/requirements.txt says how to get one). 100 steps of four rows take Axolotl about 17 minutes
# on two cores; an Axolotl run that is complete in FOLDER is kept, so that only ours is repeated.
# What it prints belongs into perf/results/.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../launch/common.sh
. "$(dirname "$0")/../../launch/common.sh"

(($# >= 1)) || die "usage: AXL_PYTHON=PYTHON perf/parity/run.sh DATA.json [FOLDER]"
[[ -n ${AXL_PYTHON:-} ]] || die "AXL_PYTHON is not set: see perf/requirements.txt"
data=$(realpath "$1")
here=$(realpath -m "${2:-$AXL_ROOT/build/parity}")
program=${AXL_PROGRAM:-$AXL_ROOT/build/release/bin/axolotl-hpc}
parity=$AXL_ROOT/perf/parity
model=$AXL_ROOT/models/SmolLM2-135M-Instruct
[[ -x $program ]] || die "$program is missing: run launch/build.sh"
[[ -f $model/config.json ]] || die "$model is missing: run launch/fetch-model.sh"

mkdir -p "$here"
sed -e "s|MODEL|$model|; s|DATA|$data|; s|HERE|$here|" "$parity/config.yaml" >"$here/new.yaml"
if ! cmp -s "$here/new.yaml" "$here/config.yaml"; then
  rm -rf "$here/init" "$here/prepared" "$here/out"
  mv "$here/new.yaml" "$here/config.yaml"
fi
rm -rf "$here/ours" "$here/merged" "$here/prepared-ours" "$here/new.yaml"

# The Python side: no telemetry, no network, no GPU; accelerate stands beside its interpreter.
python_peer() {
  env PATH="$(dirname "$AXL_PYTHON"):$PATH" AXOLOTL_DO_NOT_TRACK=1 HF_HUB_OFFLINE=1 \
    CUDA_VISIBLE_DEVICES='' "$@"
}

[[ -f $here/init/adapter_model.safetensors ]] ||
  python_peer "$AXL_PYTHON" "$parity/init_adapter.py" "$here/config.yaml" "$here/init"
if [[ ! -f $here/out/adapter_model.safetensors ]]; then
  say "Axolotl trains"
  python_peer "$AXL_PYTHON" "$AXL_ROOT/perf/measure.py" --json "$here/axolotl.json" \
    axolotl train "$here/config.yaml" >"$here/axolotl.log" 2>&1 ||
    die "Axolotl failed: see $here/axolotl.log"
fi

say "axolotl-hpc trains"
python3 "$AXL_ROOT/perf/measure.py" --json "$here/ours.json" "$program" train "$here/config.yaml" \
  --output-dir "$here/ours" --dataset-prepared-path "$here/prepared-ours" >"$here/ours.log" 2>&1 ||
  die "axolotl-hpc failed: see $here/ours.log"

status=0
python_peer "$AXL_PYTHON" "$parity/compare.py" "$here/out" "$here/ours" || status=$?
"$program" merge "$here/config.yaml" --adapter "$here/ours" -o "$here/merged" --dtype f32 \
  >"$here/merge.log" 2>&1 || die "axolotl-hpc merge failed: see $here/merge.log"
python_peer "$AXL_PYTHON" "$parity/check_exports.py" "$program" "$here/config.yaml" "$here/ours" \
  "$here/merged" 2>/dev/null || status=$?
exit "$status"
