/** What `losskit evaluate --help` says below the options. */
export const examples = `
Columns of a CSV file are named, numbered from 0, listed ("a,b,c") or given by a prefix ("z*"). A .npy file holds one array,
so predictions and targets are two files. Formats are told by content, then by extension; "-" is CSV from standard input.

Examples:
  $ losskit evaluate data.csv --pred score --target label --loss bce --loss mse
  $ losskit evaluate logits.csv --pred "z*" --target label --loss crossEntropy
  $ losskit evaluate --pred p.npy --target y.npy --loss crossEntropy --label-smoothing 0.1 --json
  $ losskit evaluate data.csv --pred score --target label --loss bce --fail-above bce=0.5 && echo good
  $ losskit evaluate data.csv --pred score --target label --loss bce --by segment --quantiles --worst 5
  $ losskit evaluate data.csv --pred score --target label --loss bce --by segment --report out.html --rows rows.parquet
  $ zcat data.csv.gz | losskit evaluate - --pred score --target label --loss mae

Exit codes: 0 fine, 1 a loss is above its threshold, 2 usage, 3 the data or the machine, 130 interrupted.`

export const description = 'compute losses over predictions and targets in .npy or CSV files'

export const mergeDescription =
  'put the partial files of all shards together, to what "losskit evaluate" would print'

export const clusterDescription = 'evaluate on many machines, by a queue in Redis, Valkey or PostgreSQL'

export const plotDescription = 'draw losses of one number, or their derivatives, as curves in an SVG file'
