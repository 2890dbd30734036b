import { entryOf } from './catalogue.ts'
import { DataError, UsageError } from './errors.ts'
import { checkPlan, type Plan, wholeRows } from './plan.ts'
import type { Report } from './report.ts'
import { openRows, type RowsFile } from './rows/rows-file.ts'
import type { Source } from './source.ts'
import { type Inputs, type OpenOptions, openInputs } from './sources/open.ts'
import { readAhead } from './sources/read-ahead.ts'
import { type RowSink, Tally } from './tally.ts'

export interface EvaluateOptions {
  /** Stops at the next block; the promise is then rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Called after each batch. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** A file to write with the loss of every row: .parquet, .csv or .npy. */
  readonly rows?: string | undefined
  /** Of files: rows read at once, about 4 MB where nothing is said. No result depends on it. */
  readonly chunkRows?: number | undefined
}

export interface TallyOptions extends Pick<EvaluateOptions, 'signal' | 'onProgress'> {
  /** Takes the losses of all rows, batch by batch; the next batch waits for its promise. */
  readonly onRows?: RowSink | undefined
}

export interface Progress {
  readonly rows: number
  /** Bytes read, and in all where that is known. */
  readonly done: number
  readonly total: number | undefined
}

/**
 * Computes what `plan` asks over all rows of `data`, in one pass and with bounded memory, whatever its size.
 *
 * @param data  files and their columns, or a source of batches, which is closed in the end
 */
export async function evaluate(
  data: Inputs | Source,
  plan: Plan,
  options: EvaluateOptions = {},
): Promise<Report> {
  checkPlan(plan)
  const asked = isSource(data) ? plan : planFor(data, plan)
  const source = isSource(data) ? data : await openFor(data, asked, options)
  let file: RowsFile | undefined
  try {
    if (options.rows !== undefined) file = await openRows(options.rows, asked)
    const tally = await tallyOf(source, asked, { ...options, onRows: file?.write })
    if (tally.rows === 0)
      throw new DataError(`${source.fields[0]?.name ?? 'the input'}: there are no rows to evaluate.`)
    await file?.finish(options.signal)
    return tally.report()
  } catch (error) {
    await file?.discard()
    options.signal?.throwIfAborted()
    throw error
  } finally {
    await source.close()
  }
}

/** The plan with the groups that the inputs name. */
export function planFor({ by }: Inputs, plan: Plan): Plan {
  return by === undefined ? plan : { ...plan, by }
}

/** Opens inputs as the plan needs them. */
export function openFor(
  inputs: Inputs,
  plan: Plan,
  { chunkRows, signal, rows, range }: EvaluateOptions & Pick<OpenOptions, 'range'>,
): Promise<Source> {
  if (inputs.nulls === 'zero-weight' && plan.losses.some(({ loss }) => entryOf(loss).walks === 'rows')) {
    throw new UsageError(
      '--nulls zero-weight is for losses over elements, whose rows have weights. --nulls skip fits all.',
    )
  }
  const whole = wholeRows(plan) || rows !== undefined
  return openInputs({ ...inputs, by: plan.by }, { chunkRows, wholeRows: whole, range, signal })
}

function isSource(data: Inputs | Source): data is Source {
  return Symbol.asyncIterator in data
}

/** The tally of all rows of a source, which is closed afterwards: of none, where it has none. */
export async function tallyOf(
  source: Source,
  plan: Plan,
  { signal, onProgress, onRows }: TallyOptions = {},
): Promise<Tally> {
  const stop = () => void source.close()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    signal?.throwIfAborted()
    const tally = Tally.of(plan, source, onRows)
    for await (const batch of readAhead(source)) {
      signal?.throwIfAborted()
      await tally.update(batch, signal)
      onProgress?.({ rows: tally.rows, ...source.progress })
    }
    signal?.throwIfAborted()
    return tally
  } catch (error) {
    // Closing the source makes reading from it fail; that failure is not the reason.
    signal?.throwIfAborted()
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
    await source.close()
  }
}
