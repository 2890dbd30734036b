#!/usr/bin/env bash
# The elementary functions and every loss have the same bits on each instruction set of this machine and, where the cross
# compiler and qemu are installed, on 64-bit Arm. (Debian: apt install g++-aarch64-linux-gnu qemu-user-static)
# check-bits.sh --here leaves Arm out, which takes long to emulate.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build-tools.sh build/tools --target bits > /dev/null
runs=(build/tools/bits)
if [[ ${1:-} == --here ]]; then
  :
elif command -v aarch64-linux-gnu-g++ > /dev/null && command -v qemu-aarch64-static > /dev/null; then
  scripts/build-tools.sh build/arm64 --target bits -DCMAKE_TOOLCHAIN_FILE=cmake/toolchains/aarch64-linux-gnu.cmake > /dev/null
  # Emulation is slow: each number of threads by itself, and without the scalar code, which is compared here.
  for threads in 1 3; do
    runs+=("scripts/arm64/emulated build/arm64/bits neon $threads")
  done
elif [[ ${LOSSKIT_REQUIRE_ARM:-} == 1 ]]; then
  echo "no cross compiler or no qemu"; exit 1
else
  echo "neon     not compared: no cross compiler or no qemu"
fi
hashes=$(printf '%s\0' "${runs[@]}" | xargs -0 -P "$(nproc)" -I RUN sh -c RUN)
echo "$hashes"
[[ $(awk '{print $NF}' <<< "$hashes" | sort -u | wc -l) == 1 ]] || { echo "bits differ"; exit 1; }
