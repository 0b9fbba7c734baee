#!/usr/bin/env bash
# Fine-tunes a real model on a handbook about axolotl-hpc and shows what it learnt.
#
#   launch/quickstart.sh [KEY OVERRIDES]      for example: --max-steps 3, --learning-rate 1e-3
#
# Installs what is missing, builds a release, gets SmolLM2-135M-Instruct, trains a LoRA adapter on
# configs/data/handbook.jsonl with two ranks as configs/quickstart.yaml says, and asks the model
# three questions that the handbook does not hold in these words, before and after. What stands on
# the command line goes to axolotl-hpc and wins over the YAML.
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

config=configs/quickstart.yaml
questions=configs/data/handbook_questions.jsonl
program=build/release/bin/axolotl-hpc
overrides=("$@")

cd "$AXL_ROOT"
launch/build.sh release --target axolotl-hpc
launch/fetch-model.sh release

# values_of KEY FILE: the key's value in every line of a JSON Lines file that has it, one a line.
values_of() {
  python3 -c 'import json, sys
for line in open(sys.argv[2], encoding="utf-8"):
    row = json.loads(line)
    if sys.argv[1] in row:
        print(row[sys.argv[1]])' "$1" "$2"
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Asks every held-out question; further arguments go to `axolotl-hpc inference`.
ask_all() {
  local question
  while IFS= read -r question; do
    "$program" inference "$config" --prompt "$question" --greedy --max-new-tokens 64 \
      "$@" "${overrides[@]}" </dev/null >"$scratch/answer" 2>"$scratch/notes" ||
      { cat "$scratch/notes" >&2 && return 1; }
    tr '\n' ' ' <"$scratch/answer"
    echo
  done < <(values_of question "$questions")
}

# Where this run writes, overrides included; a wrong override ends here with what is allowed.
checked=$scratch/checked.json
if ! "$program" validate --format json "$config" "$@" >"$checked"; then
  "$program" validate "$config" "$@" || exit $?
fi
output=$(python3 -c 'import json, sys
print(json.load(open(sys.argv[1], encoding="utf-8"))["effective"]["output_dir"])' "$checked")
metrics=$output/metrics.jsonl

say "asking the pretrained model three questions"
before=$(ask_all --no-adapter)

mpi_environment 2
say "training: mpirun ${MPI_FLAGS[*]} axolotl-hpc $config $*"
rm -f "$metrics"
mpirun "${MPI_FLAGS[@]}" "$program" "$config" "$@"

say "asking the fine-tuned model the same questions"
after=$(ask_all --adapter "$output")

echo
paste -d '\t' <(values_of question "$questions") <(echo "$before") <(echo "$after") |
  while IFS=$'\t' read -r question answer_before answer_after; do
    printf 'Question  %s\n  before  %s\n  after   %s\n\n' \
      "$question" "$answer_before" "$answer_after"
  done
values_of eval_loss "$metrics" | awk '
  NR == 1 { first = $1 }
  { last = $1 }
  END { if (NR) printf "Eval loss  %.4f before, %.4f after\n", first, last }'
echo "Adapter    $output/adapter_model.safetensors"
echo "Try it     $program inference $config --adapter $output --prompt 'YOUR QUESTION' --greedy"
