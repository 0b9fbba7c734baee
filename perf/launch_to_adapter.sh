#!/usr/bin/env bash
# From launch to adapter, the same YAML by Python Axolotl and by axolotl-hpc: seconds and peak memory.
#
#   AXL_PYTHON=PYTHON perf/launch_to_adapter.sh CONFIG.yaml [KEY OVERRIDES]
#
# Start it from the folder that the paths of the YAML are relative to; without overrides
# configs/quickstart.yaml is a good one. Both run on all cores, Axolotl with one process, axolotl-hpc
# with RANKS ranks (default 2), and tokenise anew. PYTHON is an interpreter with Axolotl
# (perf/requirements.txt). Axolotl gets what its GPU defaults would refuse on a processor.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../launch/common.sh
. "$(dirname "$0")/../launch/common.sh"

(($# >= 1)) || die "usage: AXL_PYTHON=PYTHON perf/launch_to_adapter.sh CONFIG.yaml [KEY OVERRIDES]"
[[ -n ${AXL_PYTHON:-} ]] || die "AXL_PYTHON is not set: see perf/requirements.txt"
config=$(realpath "$1")
shift
program=${AXL_PROGRAM:-$AXL_ROOT/build/release/bin/axolotl-hpc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mpi_environment "${RANKS:-2}"
echo "axolotl-hpc, ${RANKS:-2} ranks"
python3 "$AXL_ROOT/perf/measure.py" --json "$work/ours.json" mpirun "${MPI_FLAGS[@]}" "$program" \
  train "$config" --output-dir "$work/ours" --dataset-prepared-path "$work/prepared-ours" "$@" \
  >"$work/ours.log" 2>&1 || { tail -n 20 "$work/ours.log" >&2; die "axolotl-hpc failed"; }

# Axolotl's command line takes --key=value.
overrides=()
while (($# >= 2)); do
  overrides+=("$1=$2")
  shift 2
done
echo "Axolotl, one process"
env PATH="$(dirname "$AXL_PYTHON"):$PATH" AXOLOTL_DO_NOT_TRACK=1 HF_HUB_OFFLINE=1 \
  CUDA_VISIBLE_DEVICES='' "$AXL_PYTHON" "$AXL_ROOT/perf/measure.py" --json "$work/axolotl.json" \
  axolotl train "$config" --output-dir="$work/axolotl" \
  --dataset-prepared-path="$work/prepared-axolotl" --attn-implementation=sdpa \
  --no-lora-mlp-kernel --no-lora-qkv-kernel --no-lora-o-kernel "${overrides[@]}" \
  >"$work/axolotl.log" 2>&1 || { tail -n 20 "$work/axolotl.log" >&2; die "Axolotl failed"; }

python3 - "$work/ours.json" "$work/axolotl.json" <<'PYTHON'
import json, sys
ours, peer = (json.load(open(name)) for name in sys.argv[1:])
for name, r in (("axolotl-hpc", ours), ("Axolotl", peer)):
    print(f"{name:12} {r['seconds']:8.1f} s  {r['peak_bytes'] / 2**20:8.0f} MiB peak")
print(f"ratio        {peer['seconds'] / ours['seconds']:8.2f} x the time, "
      f"{ours['peak_bytes'] / peer['peak_bytes']:.2f} x the memory (ours / Axolotl)")
PYTHON
