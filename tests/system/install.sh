#!/usr/bin/env bash
# The installed tree holds our program and its files only, and works from wherever it is moved to.
#
#   install.sh BUILD_FOLDER
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cmake --install "$1" --prefix "$folder/first" >"$folder/log"
mv "$folder/first" "$folder/moved"
[[ $(ls "$folder/moved") == $'bin\nshare' ]] || { ls "$folder/moved"; exit 1; }
[[ $(ls "$folder/moved/bin") == axolotl-hpc ]] || { ls "$folder/moved/bin"; exit 1; }
"$folder/moved/bin/axolotl-hpc" version
"$folder/moved/bin/axolotl-hpc" validate "$folder/moved/share/axolotl-hpc/configs/quickstart.yaml"
bytes=$(stat -c %s "$folder/moved/bin/axolotl-hpc")
echo "$bytes bytes"
if grep -q 'CMAKE_BUILD_TYPE:STRING=Release' "$1/CMakeCache.txt"; then ((bytes < 20000000)); fi
