#!/usr/bin/env bash
# Builds with coverage counters, runs the tests, and prints the line coverage of src/ and kernels/.
#
#   tests/coverage.sh [CTEST ARGUMENTS]      (default: every test that is not labelled slow)
#
# A page for every file is written to build/coverage/report/index.html. Needs gcovr.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../launch/common.sh
. "$(dirname "$0")/../launch/common.sh"

command -v gcovr >/dev/null || die "gcovr is missing: apt-get install gcovr"
"$AXL_ROOT/launch/build.sh" coverage

build=$AXL_ROOT/build/coverage
find "$build" -name '*.gcda' -delete
mpi_environment 4
export CTEST_PARALLEL_LEVEL=${CTEST_PARALLEL_LEVEL:-2}
if (($# == 0)); then set -- -LE 'slow|lint'; fi
# Coverage is printed whatever the tests say; their verdict is this script's.
status=0
ctest --test-dir "$build" --output-on-failure "$@" || status=$?

mkdir -p "$build/report"
gcovr --root "$AXL_ROOT" --object-directory "$build" --filter "$AXL_ROOT/src/" \
  --filter "$AXL_ROOT/kernels/" --exclude-throw-branches --exclude-unreachable-branches \
  -j "$AXL_JOBS" --html-details "$build/report/index.html" --print-summary "$build"
exit "$status"
