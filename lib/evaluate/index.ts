/** Losses over any amount of data: files, queries and arrays, in one pass and with bounded memory. */

export { type LossName, type LossOptions, lossNames } from './catalogue.ts'
export { DataError, EvaluateError, FileError, UsageError } from './errors.ts'
export { type EvaluateOptions, evaluate, type Progress, planFor, tallyOf } from './evaluate.ts'
export { type About, aboutRun } from './page/about.ts'
export { reportPage } from './page/report-page.ts'
export { LosskitPeerError } from './peer.ts'
export { type Plan, planBytes, type Question } from './plan.ts'
export { type LossReport, type Report, toJson } from './report.ts'
export type { Batch, Column, ColumnArray, Dtype, Field, Source } from './source.ts'
export {
  type MemoryArray,
  type MemoryInputs,
  type MemoryOptions,
  memorySource,
} from './sources/memory.ts'
export { countRows, type Inputs, type OpenOptions, openInputs, type Range } from './sources/open.ts'
export type { Nulls } from './sources/row-buffer.ts'
export type { ClassificationReport, ReliabilityBin } from './tally/classification.ts'
export type { GroupReport } from './tally/group-sums.ts'
export type { Bar, Distribution } from './tally/histogram.ts'
export type { RowLosses } from './tally/row-losses.ts'
export type { WorstRow } from './tally/worst-rows.ts'
export { type RowSink, Tally } from './tally.ts'
