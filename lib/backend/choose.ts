import { status } from '../cuda/status.ts'
import { LosskitBackendError, LosskitOptionError } from '../errors.ts'
import { show } from '../show.ts'

/** Who computes: 'auto' follows where the data lives, 'cpu' and 'cuda' insist. */
export type Backend = 'auto' | 'cpu' | 'cuda'

/** The backend of calls that name none. */
const preferred = process.env.LOSSKIT_BACKEND || 'auto'

/** Whether calls that name no backend can be served. */
export const servesByDefault = isServed(preferred)

function isServed(backend: unknown): boolean {
  return backend === 'auto' || backend === 'cpu'
}

/** The backend of a call, whose options may name one. */
export function chosenBackend(loss: string, backend: unknown): Backend {
  const wanted = backend ?? preferred
  if (isServed(wanted) || wanted === 'cuda') return wanted as Backend
  throw new LosskitOptionError(
    `${loss}: ${nameOf(backend)} is ${show(wanted)}. It must be 'auto', 'cpu' or 'cuda'.`,
  )
}

/** Says why CUDA does not serve a call over arrays: there is none, or it does not take them, `input` among them. */
export function refuseCuda(loss: string, backend: unknown, input: string): never {
  const { state, message } = status()
  const why =
    state !== 'available'
      ? `CUDA is not there (${state}). ${message} Or use 'auto' or 'cpu'.`
      : `${input} lies in the memory of the host. Nothing is uploaded without being asked for: give ` +
        `\`cuda.device(0).upload(${input})\`, or use 'auto' or 'cpu'.`
  throw new LosskitBackendError(`${loss}: ${nameOf(backend)} is 'cuda', but ${why}`)
}

/** Where a backend was asked for. */
function nameOf(backend: unknown): string {
  return backend === undefined ? 'LOSSKIT_BACKEND' : 'backend'
}
