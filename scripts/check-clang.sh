#!/usr/bin/env bash
# Clang, the compiler of macOS and Windows, takes the sources of every instruction set without a warning. It only reads them.
# (Debian: apt install clang-19 g++-aarch64-linux-gnu)
set -euo pipefail
cd "$(dirname "$0")/.."

# check <folder> [cmake options]; CUDA is of Linux alone
check() {
  local folder=$1
  shift
  env -u CMAKE_CXX_COMPILER_LAUNCHER cmake --no-warn-unused-cli -G Ninja -S . -B "$folder" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_COMPILER=clang++-19 -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
    -DLOSSKIT_CUDA=OFF -DLOSSKIT_CUDA_EMULATED=OFF "$@" > /dev/null
  node -e 'for (const { command } of require(process.argv[1])) process.stdout.write(`${command} -fsyntax-only\0`)' \
    "$PWD/$folder/compile_commands.json" | (cd "$folder" && xargs -0 -n 1 -P "$(nproc)" sh -c)
  echo "$folder: $(grep -c '"file"' "$folder/compile_commands.json") files"
}

check build/clang
check build/clang-arm64 -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
  -DCMAKE_CXX_COMPILER_TARGET=aarch64-linux-gnu
