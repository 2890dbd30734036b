/** Base of what goes wrong while files are evaluated. The codes are stable, like those of `LosskitError`. */
export abstract class EvaluateError extends Error {
  abstract readonly code: string
}

/** `ERR_DATA`: what a file holds cannot be evaluated: a bad header, a cell that is no number, arrays that do not fit. */
export class DataError extends EvaluateError {
  override readonly name = 'DataError'
  readonly code = 'ERR_DATA'
}

/** `ERR_FILE`: a file cannot be opened, read or written. */
export class FileError extends EvaluateError {
  override readonly name = 'FileError'
  readonly code = 'ERR_FILE'
}

/** `ERR_USAGE`: the question makes no sense: an unknown loss, an option that no loss takes. */
export class UsageError extends EvaluateError {
  override readonly name = 'UsageError'
  readonly code = 'ERR_USAGE'
}

/** `ERR_PARTIAL`: partial files that are damaged, or no run when put together. */
export class PartialError extends EvaluateError {
  override readonly name = 'PartialError'
  readonly code = 'ERR_PARTIAL'
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a folder',
  ENOSPC: 'the disk is full',
  EFBIG: 'it may not grow that large',
  EDQUOT: 'the quota is used up',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many files are open',
}

/** Says in words why the operating system refused a file. Any other error passes through. */
export function fileError(path: string, error: unknown, done: 'read' | 'written' = 'read'): unknown {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return error
  const code = String(error.code)
  return new FileError(`${path}: cannot be ${done}: ${reasons[code] ?? code}.`, { cause: error })
}
