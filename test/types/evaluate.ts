/** What `losskit/evaluate` takes and gives. Compiled by types.test.ts, never run. */

import {
  aboutRun,
  type ClassificationReport,
  type Distribution,
  type EvaluateError,
  evaluate,
  type GroupReport,
  type Inputs,
  openInputs,
  type Plan,
  type planBytes,
  type Report,
  reportPage,
  type Source,
  Tally,
  tallyOf,
  type toJson,
  type WorstRow,
} from '../../lib/evaluate/index.ts'
import { same } from './equal.ts'

declare const source: Source
declare const maybe: AbortSignal | undefined
declare const error: EvaluateError

const inputs: Inputs = { file: 'data.csv', pred: 'score', target: 'label', by: 'segment' }
const plan: Plan = {
  losses: [{ loss: 'mse' }, { loss: 'huber', options: { delta: 2 } }],
  reduction: 'mean',
  quantiles: true,
  worst: 10,
  classification: true,
}

const report = await evaluate(inputs, plan, {
  signal: maybe,
  rows: 'rows.parquet',
  onProgress: ({ rows, done, total }) => {
    same<typeof rows, number>()
    same<typeof done, number>()
    same<typeof total, number | undefined>()
  },
})
same<typeof report, Report>()
same<typeof report.fingerprint, string>()
const [loss] = report.losses
if (loss !== undefined) {
  same<typeof loss.value, number>()
  same<NonNullable<typeof loss.groups>, readonly GroupReport[]>()
  same<NonNullable<typeof loss.quantiles>, Distribution>()
  same<NonNullable<typeof loss.worst>, readonly WorstRow[]>()
  same<NonNullable<typeof loss.classification>, ClassificationReport>()
}
same<ReturnType<typeof toJson>, string>()

const opened = await openInputs(inputs, { wholeRows: false })
same<typeof opened, Source>()
await evaluate(source, plan)

const tally = await tallyOf(source, plan)
same<typeof tally, Tally>()
tally.merge(Tally.fromBytes(plan, tally.toBytes()))
same<ReturnType<typeof planBytes>, Uint8Array>()

const page = await reportPage(report, await aboutRun(inputs, plan))
same<typeof page, string>()
same<typeof error.code, string>()

// @ts-expect-error a plan names its losses
await evaluate(inputs, { loss: 'mse' })
// @ts-expect-error there is no such reduction
await evaluate(inputs, { losses: [{ loss: 'mse' }], reduction: 'none' })
// @ts-expect-error predictions and targets are both needed
await evaluate({ file: 'data.csv', pred: 'score' }, plan)
// @ts-expect-error a report cannot be changed
report.rows = 0
// @ts-expect-error a tally is made by its methods
new Tally(plan)
