#!/usr/bin/env bash
# Installs what the build needs and this machine lacks, and nothing else.
#
#   launch/setup.sh
#
# - Debian packages: those that dpkg does not know are installed with apt-get. Only that needs root
#   (sudo is used where there is one); when nothing is missing, nothing is asked.
# - Kokkos 4.7: a version that CMake finds is used; otherwise the source archive is downloaded once,
#   checked against its SHA-256 and kept in ${XDG_CACHE_HOME:-~/.cache}/axolotl-hpc.
# Running it again does nothing; with everything there it needs no network.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

# docs/dependencies.md says what each is for.
packages=(
  cmake ninja-build g++ pkg-config python3 python3-pip
  libopenmpi-dev openmpi-bin libhdf5-openmpi-dev
  libdnnl-dev ocl-icd-opencl-dev libyaml-cpp-dev libcli11-dev libfmt-dev libspdlog-dev
  nlohmann-json3-dev libsimdjson-dev libpcre2-dev libutf8proc-dev libxxhash-dev
  zlib1g-dev libzstd-dev libcurl4-openssl-dev libssl-dev
  libgtest-dev
)

# The Kokkos 4.7.0 source tree as the source distribution of pygenten carries it (tpls/kokkos).
kokkos_requirement=pygenten==0.1.5
kokkos_sha256=e620f05c742905e2db705d875f1cac92ef0ed453f9e6734e9beda26cc0f9cce7
kokkos_archive=$AXL_CACHE/pygenten-0.1.5.tar.gz

install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    say "not a Debian system: install these libraries by hand if CMake misses one: ${packages[*]}"
    return
  fi
  local missing=() package
  for package in "${packages[@]}"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then
    say "Debian packages: all ${#packages[@]} are installed"
    return
  fi
  local as_root=()
  if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null ||
      die "missing packages; run as root: apt-get install --no-install-recommends ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# True if CMake finds an installed Kokkos of the right version.
kokkos_is_installed() {
  local folder status=0
  folder=$(mktemp -d)
  cat >"$folder/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(probe LANGUAGES CXX)
find_package(Kokkos 4.7 QUIET REQUIRED)
CMAKE
  cmake -S "$folder" -B "$folder/build" >/dev/null 2>&1 || status=$?
  rm -rf "$folder"
  return "$status"
}

get_kokkos() {
  if has_sha256 "$kokkos_archive" "$kokkos_sha256"; then
    say "Kokkos: $kokkos_archive"
    return
  fi
  if kokkos_is_installed; then
    say "Kokkos: installed"
    return
  fi
  say "Kokkos: downloading the sources to $kokkos_archive"
  mkdir -p "$AXL_CACHE"
  rm -f "$kokkos_archive"
  if ! pip_fetch "$kokkos_requirement" "$kokkos_sha256" "$AXL_CACHE" --no-binary pygenten; then
    say "Kokkos: pip could not download it; CMake will try the Kokkos release archive instead"
  fi
}

install_packages
get_kokkos
