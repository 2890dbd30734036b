import { CommanderError } from 'commander'

export const exit = { fine: 0, threshold: 1, usage: 2, data: 3, interrupted: 130 } as const

export interface Failure {
  readonly exitCode: number
  readonly code: string
  readonly message: string
}

/** Codes of errors that the command line caused; whatever else goes wrong is about the data or the machine. */
const usageCodes = new Set(['ERR_USAGE', 'ERR_OPTION'])

/** What an error means to whoever called the command. */
export function failure(error: unknown): Failure {
  if (error instanceof CommanderError) {
    return {
      exitCode: exit.usage,
      code: 'ERR_USAGE',
      message: error.message.replace(/^error: /, '').replaceAll('\n', ' '),
    }
  }
  if (error instanceof Error && error.name === 'AbortError') {
    return { exitCode: exit.interrupted, code: 'ERR_INTERRUPTED', message: 'interrupted.' }
  }
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'ERR_UNEXPECTED'
  return { exitCode: usageCodes.has(code) ? exit.usage : exit.data, code, message }
}

/** One line on stderr, without a stack. */
export function report({ code, message }: Pick<Failure, 'code' | 'message'>): void {
  const line = message.trim().replace(/([.:;,]?)\s*\n\s*/g, (_, end: string) => `${end || ';'} `)
  process.stderr.write(`losskit: ${code}: ${line}\n`)
}
