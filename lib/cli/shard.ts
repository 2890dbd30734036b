import type { Command } from 'commander'
import { UsageError } from '../evaluate/errors.ts'
import type { EvaluateOptions } from '../evaluate/evaluate.ts'
import { encodePartial } from '../evaluate/partial/format.ts'
import { describeRun, evaluateShard } from '../evaluate/partial/run.ts'
import { parseShard, type Shard } from '../evaluate/partial/shard.ts'
import type { Plan } from '../evaluate/plan.ts'
import type { Inputs } from '../evaluate/sources/open.ts'
import { writeFile } from '../evaluate/write-file.ts'

export interface ShardFlags {
  readonly shard?: string
  readonly partial?: string
  readonly json?: boolean
  readonly failAbove?: readonly unknown[]
  readonly report?: string
  readonly rows?: string
}

/** Which rows, and where to what was found in them. */
export interface ShardTarget {
  readonly shard: Shard
  readonly partial: string
}

export function shardFlags(command: Command): void {
  command
    .optionsGroup('Parts of the data:')
    .option('--shard <i/n>', 'only the i-th of n parts of the rows, counted from 1; needs --partial')
    .option('--partial <file>', 'write what was found to a file for "losskit merge"; "-" prints it as a line')
}

/** Undefined where no shard is asked for, but an answer. */
export function checkShardFlags(flags: ShardFlags): ShardTarget | undefined {
  const { shard, partial } = flags
  if (shard === undefined && partial === undefined) return undefined
  if (partial === undefined) {
    throw new UsageError('--shard needs --partial FILE: the loss of a part of the rows is not that of all.')
  }
  for (const [name, flag] of [
    ['json', '--json'],
    ['failAbove', '--fail-above'],
    ['report', '--report'],
  ] as const) {
    if (flags[name] === undefined) continue
    throw new UsageError(`${flag} is for all rows: give it to "losskit merge".`)
  }
  if (flags.rows !== undefined) throw new UsageError('--rows is for all rows: give it without --shard.')
  // All rows may be one shard.
  return { shard: parseShard(shard ?? '1/1'), partial }
}

export async function writeShard(
  inputs: Inputs,
  plan: Plan,
  { shard, partial }: ShardTarget,
  options: EvaluateOptions,
): Promise<void> {
  const run = await describeRun(inputs, plan)
  const bytes = encodePartial(await evaluateShard(run, inputs, shard, options))
  if (partial === '-') process.stdout.write(`${Buffer.from(bytes).toString('base64')}\n`)
  else await writeFile(partial, bytes)
}
