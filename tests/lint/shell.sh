#!/usr/bin/env bash
# Runs shellcheck over every shell script of the project; skipped (exit code 77) without it.
#
#   tests/lint/shell.sh [ROOT]
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"
if ! command -v shellcheck >/dev/null; then
  echo "shell: skipped, shellcheck is not installed"
  exit 77
fi
mapfile -t files < <(find launch slurm tests perf .ci -type f 2>/dev/null |
  while IFS= read -r file; do
    if [[ $file == *.sh || $file == *.sbatch ]] || head -c 20 "$file" | grep -qa '^#!.*bash'; then
      echo "$file"
    fi
  done | sort -u)
shellcheck -x "${files[@]}"
echo "shell: ${#files[@]} files"
