#!/usr/bin/env bash
# Runs test programs of the release build under Valgrind's memcheck: no build of its own, and it sees the
# use of bytes that nobody has written, which the address sanitizer does not.
#
#   tests/memcheck.sh [NAME ...]      for example: tests/memcheck.sh weights data (default: all unit tests)
#
# What it found lies in build/release/memcheck/NAME.log; the exit code is 1 when it found anything or a test
# failed. Takes 20 to 50 times as long as the tests themselves.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../launch/common.sh
. "$(dirname "$0")/../launch/common.sh"

command -v valgrind >/dev/null || die "valgrind is missing: apt-get install valgrind"
build=$AXL_ROOT/build/release
mkdir -p "$build/memcheck"
if (($# == 0)); then
  for program in "$build"/bin/test_*; do set -- "$@" "${program##*/test_}"; done
fi
# Valgrind knows no AVX-512. The two tests left out send 60 million tokens through a pipe, and limit
# their own memory.
export DNNL_MAX_CPU_ISA=AVX2 OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
export GTEST_FILTER=${GTEST_FILTER:--Stream.MemoryStaysConstant*:Workers.FewerThreads*}

# Stacks that name no function at all are code that PCRE2 and oneDNN make while they run: it loads whole
# vectors and masks what was not asked for.
count_findings() {
  sed 's/^==[0-9]*== \?//' "$1" |
    awk 'BEGIN { RS = "" } /(at|by) 0x[0-9A-F]+: [^?]/ { found++ } END { print found + 0 }'
}

status=0
for name in "$@"; do
  [[ -x $build/bin/test_$name ]] || die "build/release/bin/test_$name is missing: launch/build.sh"
  log=$build/memcheck/$name.log
  out=$build/memcheck/$name.out
  verdict="tests passed"
  valgrind -q --leak-check=full --show-leak-kinds=definite --num-callers=25 \
    --child-silent-after-fork=yes --log-file="$log" "$build/bin/test_$name" >"$out" 2>&1 ||
    verdict="TESTS FAILED ($out)"
  findings=$(count_findings "$log")
  say "$name: $verdict, $findings findings$( ((findings == 0)) || echo " ($log)")"
  if [[ $verdict != "tests passed" || $findings != 0 ]]; then status=1; fi
done
exit "$status"
