import { DataError } from './errors.ts'
import type { Plan } from './plan.ts'
import { readAhead } from './read-ahead.ts'
import type { Report } from './report.ts'
import type { Source } from './source.ts'
import { Tally } from './tally.ts'

export interface EvaluateOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

export interface Progress {
  readonly rows: number
  /** Bytes read, and in all where that is known. */
  readonly done: number
  readonly total: number | undefined
}

/** Reads `source` once, computes what `plan` asks, and closes the source. */
export async function evaluate(source: Source, plan: Plan, options: EvaluateOptions = {}): Promise<Report> {
  const tally = await tallyOf(source, plan, options)
  if (tally.rows === 0)
    throw new DataError(`${source.fields[0]?.name ?? 'the input'}: there are no rows to evaluate.`)
  return tally.report()
}

/** The tally of all rows of a source, which is closed afterwards: of none, where it has none. */
export async function tallyOf(
  source: Source,
  plan: Plan,
  { signal, onProgress }: EvaluateOptions = {},
): Promise<Tally> {
  const stop = () => void source.close()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const tally = Tally.of(plan, source)
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
