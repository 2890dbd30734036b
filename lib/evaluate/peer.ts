/** `ERR_PEER`: a package that is installed by its users, where they want what needs it, is not there. */
export class LosskitPeerError extends Error {
  override readonly name = 'LosskitPeerError'
  readonly code = 'ERR_PEER'
}

/** Imports an optional package; `what` names what needs it, as the beginning of a sentence. */
export async function peer<T>(name: string, what: string): Promise<T> {
  try {
    return (await import(name)) as T
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
    if (!missing || !error.message.includes(`'${name}'`)) throw error
    throw new LosskitPeerError(`${what} need the package ${name}: npm install ${name}`, { cause: error })
  }
}
