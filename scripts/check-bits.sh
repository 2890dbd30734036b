#!/usr/bin/env bash
# The elementary functions and every loss have the same bits on each instruction set of this machine and, where the cross
# compiler and qemu are installed, on 64-bit Arm. (Debian: apt install g++-aarch64-linux-gnu qemu-user-static)
# check-bits.sh --here leaves Arm out, which takes long to emulate.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build-tools.sh build/tools > /dev/null
here=$(build/tools/bits)
echo "$here"
[[ ${1:-} != --here ]] || exit 0
if command -v aarch64-linux-gnu-g++ > /dev/null && command -v qemu-aarch64-static > /dev/null; then
  scripts/build-tools.sh build/arm64 -DCMAKE_TOOLCHAIN_FILE=cmake/toolchains/aarch64-linux-gnu.cmake > /dev/null
  # Emulation is slow, and the scalar code has been compared above.
  arm=$(qemu-aarch64-static -L /usr/aarch64-linux-gnu build/arm64/bits neon)
  echo "$arm"
  [[ $(awk '{print $2}' <<< "$here"$'\n'"$arm" | sort -u | wc -l) == 1 ]] || { echo "bits differ"; exit 1; }
elif [[ ${LOSSKIT_REQUIRE_ARM:-} == 1 ]]; then
  echo "no cross compiler or no qemu"; exit 1
else
  echo "neon     not compared: no cross compiler or no qemu"
fi
