#!/usr/bin/env bash
# The job script slurm/train.sbatch on a real Slurm cluster of two nodes on this machine.
#
#   slurm_job.sh [PROGRAM]
#
# First with a stand-in for the program, to see the job script alone: what it hands on, that exit
# code 75 puts the job back into the queue and resumes, that scancel does not, that other exit codes
# pass through. Then, given PROGRAM, with axolotl-hpc itself on a tiny model: a job that is signalled
# in the middle and requeued has to end with the same adapter, bit for bit, as one that was not.
# Skipped (exit code 77) without root or Slurm.
# shellcheck disable=SC2317  # functions that traps and wait_for call
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
program=${1:-}
usable() {
  local tool
  [[ $EUID -eq 0 ]] || return 1
  for tool in munged slurmctld slurmd sbatch; do
    command -v "$tool" >/dev/null || return 1
  done
  unshare --uts --mount true 2>/dev/null
}
if ! usable; then
  echo "slurm_job: skipped, needs root and the packages slurm-wlm and munge"
  exit 77
fi

# One cluster at a time on a machine: two that start together would take the same ports.
exec 9>"${TMPDIR:-/tmp}/axolotl-hpc-slurm-test.lock"
flock 9

work=$(mktemp -d)
cleanup() {
  "$root/tests/system/slurm_cluster.sh" down "$work/c" || true
  rm -rf "$work"
}
trap cleanup EXIT
chmod 755 "$work"
"$root/tests/system/slurm_cluster.sh" up "$work/c" 2 4 9>&-
# shellcheck source=/dev/null
. "$work/c/env.sh"
cd "$work"

failures=0
check() { # check WHAT CONDITION...
  local what=$1
  shift
  if "$@"; then echo "ok      $what"; else
    echo "FAILED  $what"
    failures=$((failures + 1))
  fi
}

# state_of JOB: its state in Slurm's words, RUNNING, COMPLETED, ...
state_of() { scontrol -o show job "$1" | sed -n 's/.* JobState=\([A-Z_]*\).*/\1/p'; }
field_of() { scontrol -o show job "$1" | sed -n "s/.* $2=\([^ ]*\).*/\1/p"; }
wait_for() { # wait_for SECONDS COMMAND...
  local tenths=$(($1 * 10))
  shift
  for ((; tenths > 0; tenths--)); do
    if "$@"; then return 0; fi
    sleep 0.1
  done
  return 1
}
ended() { [[ $(state_of "$1") =~ ^(COMPLETED|FAILED|CANCELLED|TIMEOUT|NODE_FAIL)$ ]]; }
has_line() { grep -qs -- "$2" "$1"; }
# submit NAME ARGUMENTS...: the job's number; its log is NAME.log
submit() {
  local name=$1
  shift
  sbatch --parsable --job-name="$name" --output="$name.log" --nodes=2 --ntasks-per-node=1 \
    --cpus-per-task=1 --export="ALL,AXL_PROGRAM=$AXL_PROGRAM,OUT=$work/$name" \
    "$root/slurm/train.sbatch" "$@"
}

# ---- the job script alone
cat >stand-in <<'SH'
#!/usr/bin/env bash
# Runs until USR1 (checkpoint: 75) or, when told to resume, ends well at once.
echo "rank ${PMIX_RANK:-?} threads $OMP_NUM_THREADS: $*"
case $* in
  *--auto-resume-from-checkpoints*) exit 0 ;;
  *fail*) sleep "0.${PMIX_RANK:-0}" && exit 2 ;;
esac
trap 'exit 75' USR1 TERM
touch "$OUT.up"
while true; do sleep 0.1; done
SH
chmod +x stand-in
export AXL_PROGRAM=$work/stand-in

job=$(submit stop config.yaml --learning-rate 1e-4)
check "the ranks start" wait_for 60 test -e stop.up
scancel --batch --signal=USR1 "$job"
check "SIGUSR1 requeues and resumes" wait_for 90 has_line stop.log "auto-resume-from-checkpoints true"
wait_for 30 ended "$job" || true
check "the resumed job completes" test "$(state_of "$job")" = COMPLETED
check "it was started twice" test "$(field_of "$job" Restarts)" = 1
check "arguments are handed on" has_line stop.log "threads 1: train config.yaml --learning-rate 1e-4"
check "both ranks ran" test "$(grep -c '^rank [01] .*train config.yaml --learning-rate 1e-4$' stop.log)" = 2

job=$(submit cancel config.yaml)
wait_for 60 test -e cancel.up || true
scancel "$job"
wait_for 60 ended "$job" || true
check "scancel is final" test "$(state_of "$job")" = CANCELLED

job=$(submit wrong fail.yaml)
wait_for 60 ended "$job" || true
echo "        ended as $(state_of "$job") with exit code $(field_of "$job" ExitCode)"
check "wrong input is not requeued" test "$(state_of "$job")/$(field_of "$job" ExitCode)" = FAILED/2:0

# ---- axolotl-hpc itself
if [[ -n $program ]]; then
  AXL_PROGRAM=$(realpath "$program")
  python3 "$root/tests/system/make_tiny_model.py" "$work/model"
  for i in $(seq 1 64); do
    echo "{\"instruction\": \"Say $i\", \"input\": \"\", \"output\": \"$((i * 7)) and $i.\"}"
  done >rows.jsonl
  cat >config.yaml <<YAML
base_model: $work/model
datasets: [{path: $work/rows.jsonl, type: alpaca}]
val_set_size: 0
sequence_len: 512
adapter: lora
lora_r: 4
lora_alpha: 8
lora_target_linear: true
micro_batch_size: 1
gradient_accumulation_steps: 1
max_steps: 400
num_epochs: 100
optimizer: adamw_torch
learning_rate: 1e-3
bf16: false
logging_steps: 1
save_steps: 1000
dataset_prepared_path: $work/prepared
output_dir: $work/whole
YAML
  job=$(submit whole config.yaml)
  wait_for 300 ended "$job" || true
  check "a whole job completes" test "$(state_of "$job")" = COMPLETED
  check "it wrote an adapter" test -s whole/adapter_model.safetensors

  job=$(submit halves config.yaml --output-dir "$work/halves")
  twenty_steps() { [[ -e halves/metrics.jsonl && $(wc -l <halves/metrics.jsonl) -ge 20 ]]; }
  check "it logs steps" wait_for 120 twenty_steps
  scancel --batch --signal=USR1 "$job"
  wait_for 300 ended "$job" || true
  check "the signalled job completes" test "$(state_of "$job")" = COMPLETED
  check "in two starts" test "$(field_of "$job" Restarts)" = 1
  check "with the adapter of the whole job, bit for bit" \
    cmp whole/adapter_model.safetensors halves/adapter_model.safetensors
  ((failures == 0)) || tail -n 40 whole.log halves.log
fi

echo "slurm_job: $failures failures"
exit $((failures > 0))
