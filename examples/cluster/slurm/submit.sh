#!/usr/bin/env bash
# Evaluates with a Slurm array job of N shards, and merges when all of them are done.
#
#   examples/cluster/slurm/submit.sh N FOLDER [options of "losskit evaluate"]
#   examples/cluster/slurm/submit.sh 33 /shared/run1 /shared/p.parquet --pred score --target label --loss bce
#
# FOLDER must be one that all nodes share; it gets the partial files and result.json. Run again after a failure, it computes
# only the shards that are missing. LOSSKIT says how losskit is started on the nodes (default "npx losskit").
set -euo pipefail

shards=$1
folder=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"

export SHARDS=$shards FOLDER=$folder LOSSKIT=${LOSSKIT:-npx losskit}
job=$(sbatch --parsable --array="1-$shards" --output="$folder/%a.log" "$here/shard.sbatch" "$@")
merge=$(sbatch --parsable --dependency="afterok:$job" --output="$folder/merge.log" "$here/merge.sbatch")
echo "array job $job, merged by $merge into $folder/result.json"
