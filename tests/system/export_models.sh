#!/usr/bin/env bash
# export_models.sh PROGRAM SOURCE_DIR: a tiny model goes to GGUF and back through the real program and
# comes out the same; wrong inputs end with exit code 2 and one message.
set -u
program=$1 source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*"; exit 1; }
expect() {  # expect CODE TEXT COMMAND...
  local code=$1 text=$2
  shift 2
  "$@" >"$work/log" 2>&1
  local got=$?
  [[ $got == "$code" ]] || fail "exit code $got, expected $code: $* $(cat "$work/log")"
  grep -q -- "$text" "$work/log" || fail "no '$text' in: $(cat "$work/log")"
}

python3 "$source/tests/system/make_tiny_model.py" "$work/base" || fail "make_tiny_model.py"
expect 0 verified "$program" export "$work/base" "$work/m.gguf"
expect 0 verified "$program" export "$work/m.gguf" "$work/back"
expect 0 verified "$program" export "$work/base" "$work/copy"
cmp "$work/copy/model.safetensors" "$work/back/model.safetensors" || fail "the weights changed"
expect 0 verified "$program" export "$work/base" "$work/q8.gguf" --dtype q8_0
expect 2 "exists already" "$program" export "$work/base" "$work/back"
expect 2 "unknown element type" "$program" export "$work/base" "$work/x" --dtype f13
expect 2 "cannot hold" "$program" export "$work/base" "$work/x" --dtype q8_0
expect 2 "absent" "$program" export "$work/absent" "$work/x"
head -c 5000 "$work/m.gguf" >"$work/cut.gguf"
expect 2 truncated "$program" export "$work/cut.gguf" "$work/x"
expect 2 "adapter_config.json" "$program" merge --base "$work/base" --adapter "$work/base" -o "$work/x"
expect 2 "merge needs" "$program" merge --base "$work/base"
[[ ! -e $work/x && ! -e $work/x.tmp ]] || fail "a failed command left something behind"
echo "export and merge behave"
