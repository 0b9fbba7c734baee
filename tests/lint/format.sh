#!/usr/bin/env bash
# Checks the formatting of every C++ file, or mends it.
#
#   tests/lint/format.sh [--fix] [ROOT]
#
# The style is .clang-format; versions of clang-format differ, so one is pinned. Without it the
# check is skipped (exit code 77, which CTest calls skipped).
set -euo pipefail
pinned=14
fix=no
if [[ ${1:-} == --fix ]]; then
  fix=yes
  shift
fi
cd "${1:-$(dirname "$0")/../..}"

tool=$(command -v "clang-format-$pinned" || command -v clang-format || true)
if [[ -z $tool ]] || ! "$tool" --version | grep -q "version $pinned\."; then
  echo "format: skipped, clang-format $pinned is not installed"
  exit 77
fi
mapfile -t files < <(find src kernels tests perf -type f \
  \( -name '*.cpp' -o -name '*.hpp' -o -name '*.cu' -o -name '*.cuh' \) 2>/dev/null | sort)
((${#files[@]} > 0)) || exit 0
if [[ $fix == yes ]]; then
  "$tool" -i --style=file "${files[@]}"
else
  "$tool" --style=file --dry-run -Werror "${files[@]}"
fi
echo "format: ${#files[@]} files"
