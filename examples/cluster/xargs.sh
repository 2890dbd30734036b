#!/usr/bin/env bash
# Evaluates in N shards on one machine, several processes at a time: for losses that are computed by one thread.
#
#   examples/cluster/xargs.sh N FOLDER [options of "losskit evaluate"]
set -euo pipefail

shards=$1
folder=$2
shift 2
losskit=${LOSSKIT:-npx losskit}
mkdir -p "$folder"

# A failed shard makes xargs fail, and no result is printed.
seq "$shards" | xargs -P "${PROCESSES:-$(nproc)}" -I '{}' $losskit evaluate "$@" --shard "{}/$shards" --partial "$folder/{}.part"
$losskit merge "$folder"/*.part --json
