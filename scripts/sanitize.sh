#!/usr/bin/env bash
# Runs the tests on an addon with the address and undefined-behaviour sanitizers, and the thread stress under the thread
# sanitizer. sanitize.sh [files or filters for vitest]
set -euo pipefail
cd "$(dirname "$0")/.."
# Only the thread sanitizer's program is plain enough to be built by itself; the addon runs inside node.
scripts/build-tools.sh build/tsan --target stress -DLOSSKIT_SANITIZE=thread > /dev/null
TSAN_OPTIONS=halt_on_error=1 setarch -R build/tsan/stress
npx cmake-js build --out build/asan --CDLOSSKIT_SANITIZE=address,undefined > /dev/null 2>&1
filters=("$@")
if [[ ${#filters[@]} == 0 ]]; then
  filters=(test/losses test/sum test/lib test/binding/fuzz.test.ts)
  # 2^31 numbers take minutes each, and there is no other binary than this one to be found.
  filters+=(--exclude test/losses/large.test.ts --exclude test/lib/load.test.ts)
fi
LOSSKIT_BINARY="$PWD/build/asan/Release/losskit.node" \
  LD_PRELOAD="$(g++ -print-file-name=libasan.so) $(g++ -print-file-name=libubsan.so)" \
  ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
  npx vitest run "${filters[@]}"
