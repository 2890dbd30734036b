import { PartialError } from '../errors.ts'
import { tallyOf } from '../evaluate.ts'
import type { Inputs } from '../open.ts'
import { countRows, openInputs } from '../open.ts'
import { type Plan, wholeRows } from '../plan.ts'
import { version } from '../version.ts'
import { columnsOf, filesOf } from './data.ts'
import { differingFile, type FilePrint, fingerprintFile } from './fingerprint.ts'
import type { Partial } from './format.ts'
import type { Run } from './header.ts'
import { rowsOf, type Shard } from './shard.ts'

export interface ShardOptions {
  readonly chunkRows?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Called with the rows of the shard that are done, and all of them. */
  readonly onProgress?: ((rows: number, of: number) => void) | undefined
}

/** What all shards of `plan` over `inputs` have in common. Reads what it takes to know the number of rows. */
export async function describeRun(inputs: Inputs, plan: Plan): Promise<Run> {
  const [data, rows] = await Promise.all([fingerprints(inputs), countRows(inputs)])
  return { losskit: version(), data, columns: columnsOf(inputs), plan, rows }
}

/** Refuses data and programs that are not those of the run, which is how this machine differs from the one that asked. */
export async function checkRun(run: Run, inputs: Inputs): Promise<void> {
  if (run.losskit !== version()) {
    throw new PartialError(
      `this is losskit ${version()}, the run is of ${run.losskit}. One run takes one version.`,
    )
  }
  const [theirs, ours] = differingFile(run.data, await fingerprints(inputs)) ?? []
  if (theirs === undefined && ours === undefined) return
  throw new PartialError(
    `${ours?.name ?? theirs?.name}: is not the file that the run was described with. Its size or content is another one.`,
  )
}

async function fingerprints(inputs: Inputs): Promise<readonly FilePrint[]> {
  return Promise.all((await filesOf(inputs)).map(fingerprintFile))
}

/** Computes the rows of one shard. */
export async function evaluateShard(
  run: Run,
  inputs: Inputs,
  shard: Shard,
  { chunkRows, signal, onProgress }: ShardOptions = {},
): Promise<Partial> {
  const range = rowsOf(shard, run.rows)
  const source = await openInputs(inputs, { chunkRows, wholeRows: wholeRows(run.plan), range, signal })
  const tally = await tallyOf(source, run.plan, {
    signal,
    onProgress: ({ rows }) => onProgress?.(rows, range.end - range.first),
  })
  return { header: { run, shard }, tally: tally.toBytes() }
}
