"""Evaluates in N shards with Spark: each task computes one shard, of a file that all executors can read.

    spark-submit examples/cluster/spark.py 330 /shared/p.parquet --pred score --target label --loss bce

Rows do not travel: a task gets the number of its shard, reads these rows itself, and prints its partial as one line. Spark
tries failed tasks again, and takes each of them once.
"""

import shlex
import subprocess
import sys

from pyspark.sql import SparkSession

shards = int(sys.argv[1])
question = shlex.join(sys.argv[2:])
task = f'read shard && exec npx losskit evaluate {question} --shard "$shard/{shards}" --partial -'

spark = SparkSession.builder.appName("losskit").getOrCreate()
numbers = spark.sparkContext.parallelize(range(1, shards + 1), shards)
partials = numbers.pipe(f"sh -c {shlex.quote(task)}", checkCode=True).collect()
spark.stop()

merged = subprocess.run(["npx", "losskit", "merge", "-", "--json"], input="\n".join(partials), text=True)
sys.exit(merged.returncode)
