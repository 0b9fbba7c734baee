#!/usr/bin/env bash
# Sets up and builds one preset of CMakePresets.json.
#
#   launch/build.sh [PRESET [CMAKE --build ARGUMENTS]]      (default preset: release)
#
# The program lies at build/PRESET/bin/axolotl-hpc afterwards. Further arguments go to
# `cmake --build`, for example `--target axolotl-hpc` for the program without its tests.
# AXL_JOBS=N builds with N jobs.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

preset=${1:-release}
(($# == 0)) || shift

"$AXL_ROOT/launch/setup.sh"
cd "$AXL_ROOT"

configure=(--preset "$preset")
archive=$AXL_CACHE/pygenten-0.1.5.tar.gz
if [[ -f $archive ]]; then configure+=("-DAXL_KOKKOS_ARCHIVE=$archive"); fi

say "configuring build/$preset"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! cmake "${configure[@]}" >"$log" 2>&1; then
  cat "$log" >&2
  die "CMake could not configure the preset '$preset'"
fi
grep -A2 -- '-- axolotl-hpc' "$log" >&2 || true

say "building with $AXL_JOBS jobs"
cmake --build "build/$preset" -j "$AXL_JOBS" "$@" >&2
if [[ -x build/$preset/bin/axolotl-hpc ]]; then say "built: $AXL_ROOT/build/$preset/bin/axolotl-hpc"; fi
