import { PartialError, UsageError } from '../errors.ts'
import { type EvaluateOptions, openFor, tallyOf } from '../evaluate.ts'
import { checkPlan, type Plan } from '../plan.ts'
import type { Inputs } from '../sources/open.ts'
import { countRows } from '../sources/open.ts'
import { version } from '../version.ts'
import { columnsOf, filesOf } from './data.ts'
import { differingFile, type FilePrint, fingerprintFile } from './fingerprint.ts'
import type { Partial } from './format.ts'
import type { Run } from './header.ts'
import { rowsOf, type Shard } from './shard.ts'

/** What all shards of `plan` over `inputs` have in common. Reads what it takes to know the number of rows. */
export async function describeRun(inputs: Inputs, plan: Plan): Promise<Run> {
  checkPlan(plan)
  checkOrder(inputs)
  const [data, rows] = await Promise.all([fingerprints(inputs), countRows(inputs)])
  return { losskit: version(), data, columns: columnsOf(inputs), plan, rows }
}

/** Without an order of its own a query may give its rows in another one each time: shards would count some twice. */
function checkOrder({ sql }: Inputs): void {
  if (sql === undefined || /\border\s+by\b/i.test(sql)) return
  throw new UsageError(
    '--sql: shards take a query whose rows come in one order every time. End it with ORDER BY, by columns that tell all rows apart.',
  )
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
  options: EvaluateOptions = {},
): Promise<Partial> {
  const { plan, rows } = run
  const source = await openFor(inputs, plan, { ...options, range: rowsOf(shard, rows) })
  return { header: { run, shard }, tally: (await tallyOf(source, plan, options)).toBytes() }
}
