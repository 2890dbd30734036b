import type { Accumulator } from '../index.ts'
import { entryOf, type LossName, type LossOptions } from './catalogue.ts'
import { DataError } from './errors.ts'
import { type Arguments, type Fit, fitElements, fitRows } from './fit.ts'
import { located } from './located.ts'
import { readAhead } from './read-ahead.ts'
import { fingerprint, type LossReport, type Report } from './report.ts'
import type { Batch, Source } from './source.ts'

/** One loss to be computed. */
export interface Question {
  readonly loss: LossName
  readonly options: LossOptions
}

export interface EvaluateOptions {
  readonly reduction?: 'mean' | 'sum' | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

export interface Progress {
  readonly rows: number
  /** Bytes read, and in all where that is known. */
  readonly done: number
  readonly total: number | undefined
}

interface Running extends Question {
  readonly accumulator: Accumulator
  readonly prepare: Fit
}

/** Reads `source` (pred, target and perhaps weight) once, computes every loss over it, and closes it. */
export async function evaluate(
  source: Source,
  questions: readonly Question[],
  { reduction = 'mean', signal, onProgress }: EvaluateOptions = {},
): Promise<Report> {
  const stop = () => void source.close()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const running = start(source, questions, reduction)
    let rows = 0
    for await (const batch of readAhead(source)) {
      signal?.throwIfAborted()
      await update(running, batch, source, signal)
      rows += batch.rows
      onProgress?.({ rows: rows / source.split, ...source.progress })
    }
    signal?.throwIfAborted()
    if (rows === 0)
      throw new DataError(`${source.fields[0]?.name ?? 'the input'}: there are no rows to evaluate.`)
    return finish(running, rows / source.split, reduction)
  } catch (error) {
    // Closing the source makes reading from it fail; that failure is not the reason.
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
    await source.close()
  }
}

function start(
  source: Source,
  questions: readonly Question[],
  reduction: 'mean' | 'sum',
): readonly Running[] {
  const walks = new Set(questions.map(({ loss }) => entryOf(loss).walks))
  const fits = {
    elements: walks.has('elements') ? fitElements(source) : undefined,
    rows: walks.has('rows') ? fitRows(source) : undefined,
  }
  return questions.map(({ loss, options }) => {
    const prepare = fits[entryOf(loss).walks]
    if (prepare === undefined) throw new RangeError(loss)
    return { loss, options, prepare, accumulator: entryOf(loss).accumulator({ ...options, reduction }) }
  })
}

/** The losses take turns: each uses all threads, and the first of two errors is always the same one. */
async function update(
  running: readonly Running[],
  batch: Batch,
  source: Source,
  signal: AbortSignal | undefined,
): Promise<void> {
  const fitted = new Map<Fit, Arguments>()
  for (const { prepare, accumulator } of running) {
    const { pred, target, weight } = fitted.get(prepare) ?? prepare(batch)
    fitted.set(prepare, { pred, target, weight })
    try {
      await accumulator.updateAsync(pred, target, { ...(weight && { weight }), ...(signal && { signal }) })
    } catch (error) {
      throw located(error, { pred, target, weight }, batch, source)
    }
  }
}

function finish(running: readonly Running[], rows: number, reduction: 'mean' | 'sum'): Report {
  const parts = running.map(({ loss, options, accumulator }) => {
    const given = reduction === 'sum' ? { ...options, reduction } : options
    const report: LossReport = { loss, options: given, value: accumulator.value, count: accumulator.count }
    return { report, state: accumulator.toBytes() }
  })
  return { losses: parts.map(({ report }) => report), rows, fingerprint: fingerprint(parts) }
}
