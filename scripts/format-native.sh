#!/usr/bin/env bash
# Formats the C++ sources (--write), or says which are not formatted. Needs clang-format (Debian: apt install clang-format).
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t files < <(git ls-files 'native/*.h' 'native/*.cc' 'native/*.cu' 'bench/machine/*.h' 'bench/machine/*.cc' 'test/foreign/*.cc' | grep -v coefficients.h)
if [[ ${1:-} == --write ]]; then
  clang-format -i "${files[@]}"
else
  clang-format --dry-run --Werror "${files[@]}"
fi
