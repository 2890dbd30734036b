import { createHash } from 'node:crypto'
import type { LossName, LossOptions } from './catalogue.ts'
import type { ClassificationReport } from './tally/classification.ts'
import type { GroupReport } from './tally/group-sums.ts'
import type { Bar, Distribution } from './tally/histogram.ts'
import type { WorstRow } from './tally/worst-rows.ts'

export interface LossReport {
  readonly loss: LossName
  /** Those that were given. */
  readonly options: LossOptions & { readonly reduction?: 'sum' }
  readonly value: number
  /** Elements, or rows with a label that is not ignored. */
  readonly count: number
  /** By name. */
  readonly groups?: readonly GroupReport[]
  readonly quantiles?: Distribution
  /** Bars of the distribution. */
  readonly histogram?: readonly Bar[]
  /** The worst first. */
  readonly worst?: readonly WorstRow[]
  readonly classification?: ClassificationReport
}

export interface Report {
  readonly losses: readonly LossReport[]
  readonly rows: number
  /**
   * SHA-256 of every loss's name, options and accumulator bytes. The bytes depend on the values and not on their order, so
   * two runs over the same data have the same fingerprint, however it was cut.
   */
  readonly fingerprint: string
}

export function fingerprint(
  parts: readonly { readonly report: LossReport; readonly state: Uint8Array }[],
): string {
  const hash = createHash('sha256')
  for (const { report, state } of parts) {
    hash.update(`${JSON.stringify([report.loss, report.options, state.length])}\n`)
    hash.update(state)
  }
  return hash.digest('hex')
}

/**
 * The report as JSON. Numbers have as many digits as it takes to read back the same float64. JSON knows no NaN and no
 * infinities: they are the strings "NaN", "Infinity" and "-Infinity", which Number() and Python's float() understand.
 */
export function toJson(report: Report): string {
  return JSON.stringify(report, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  )
}
