#!/usr/bin/env bash
# Builds the programs of native/test, or one of them. build-tools.sh <folder> [--target program] [cmake options]
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1
shift
target=()
if [[ ${1:-} == --target ]]; then
  target=(--target "$2")
  shift 2
fi
cmake --no-warn-unused-cli -S . -B "$folder" -DCMAKE_BUILD_TYPE=Release -DLOSSKIT_TOOLS=ON -DLOSSKIT_ADDON=OFF "$@" > /dev/null
cmake --build "$folder" --parallel "$(nproc)" "${target[@]}"
