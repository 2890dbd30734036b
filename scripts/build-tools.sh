#!/usr/bin/env bash
# Builds the programs of native/test. build-tools.sh <folder> [cmake options]
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$1
shift
cmake --no-warn-unused-cli -S . -B "$folder" -DCMAKE_BUILD_TYPE=Release -DLOSSKIT_TOOLS=ON -DLOSSKIT_ADDON=OFF "$@" > /dev/null
cmake --build "$folder" --parallel "$(nproc)"
