#!/usr/bin/env bash
# Sets up, builds, and runs every test.
#
#   tests/run.sh [CTEST ARGUMENTS]      for example: tests/run.sh -R tokenizer, tests/run.sh -L unit
#
# Builds the preset `release`; AXL_TEST_PRESETS="release dev" runs the tests of the build with the
# address and undefined-behaviour sanitizers too. Ends with CTest's summary and its exit code.
# Tests that need what is not there (the model without a network, the oracle files, Slurm) are
# skipped by name.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../launch/common.sh
. "$(dirname "$0")/../launch/common.sh"

mpi_environment 4
export CTEST_PARALLEL_LEVEL=${CTEST_PARALLEL_LEVEL:-2}
# Tests run side by side on the same cores: a thread that waits should not keep one busy.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}

status=0
for preset in ${AXL_TEST_PRESETS:-release}; do
  "$AXL_ROOT/launch/build.sh" "$preset"
  "$AXL_ROOT/launch/fetch-model.sh" "$preset" ||
    say "no model: the tests that need SmolLM2 will be skipped"
  say "testing build/$preset"
  ctest --test-dir "$AXL_ROOT/build/$preset" --output-on-failure "$@" || status=$?
done
exit "$status"
