import { Presets, SingleBar } from 'cli-progress'
import type { Progress } from '../evaluate/evaluate.ts'

export interface ProgressBar {
  update(progress: Progress): void
  /** Removes the bar. */
  stop(): void
}

/** A bar on stderr, on a terminal only: what is piped or logged stays free of it. */
export function progressBar(stream: NodeJS.WriteStream): ProgressBar {
  if (!stream.isTTY) return { update: () => {}, stop: () => {} }
  let bar: SingleBar | undefined
  return {
    update({ rows, done, total }) {
      if (bar === undefined) {
        // Without a total, as for a pipe, a bar has no length to show.
        const format =
          total === undefined ? '{rows} rows' : '{bar} {percentage}% | {rows} rows | {eta_formatted} left'
        bar = new SingleBar(
          { stream, format, clearOnComplete: true, hideCursor: true, linewrap: true },
          Presets.shades_classic,
        )
        bar.start(total ?? 0, done, { rows })
      } else bar.update(done, { rows })
    },
    stop() {
      bar?.stop()
    },
  }
}
