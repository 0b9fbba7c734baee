# Shared by the scripts of this folder and of tests/; sourced, never run.
# shellcheck shell=bash disable=SC2034  # its variables are for those who source it
#
# Sets AXL_ROOT (the project), AXL_CACHE (downloads) and AXL_JOBS (parallel jobs), and defines the
# functions below. AXL_CACHE and AXL_JOBS can be given in the environment.

AXL_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
AXL_CACHE=${AXL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/axolotl-hpc}

say() { echo "==> $*" >&2; }
die() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# Cores that this process may use, but one job for every 1.5 GiB of memory at the most: the largest
# translation units need about 1 GiB each.
default_jobs() {
  local cores gib
  cores=$(nproc)
  gib=$(awk '/^MemAvailable:/ { print int($2 / 1572864) }' /proc/meminfo)
  ((gib >= 1)) || gib=1
  echo $((cores < gib ? cores : gib))
}
AXL_JOBS=${AXL_JOBS:-$(default_jobs)}

# has_sha256 FILE SUM: the file is there and is the one that was pinned.
has_sha256() { [[ -f $1 ]] && [[ $(sha256sum "$1" | cut -d' ' -f1) == "$2" ]]; }

# pip_fetch REQUIREMENT SUM FOLDER [PIP ARGUMENTS]: downloads one pinned archive, no dependencies.
pip_fetch() {
  local requirement=$1 sum=$2 folder=$3 pins status=0
  shift 3
  pins=$(mktemp)
  echo "$requirement --hash=sha256:$sum" >"$pins"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes "$@" \
    -r "$pins" -d "$folder" || status=$?
  rm -f "$pins"
  return "$status"
}

# Open MPI refuses root unless told twice, and more ranks than cores unless told once.
# Sets MPI_FLAGS for RANKS ranks.
mpi_environment() {
  local ranks=$1
  MPI_FLAGS=(-np "$ranks")
  if [[ $EUID -eq 0 ]]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
  if [[ $(nproc) -lt $((2 * ranks)) ]]; then MPI_FLAGS+=(--oversubscribe); fi
}
