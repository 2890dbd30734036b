import { LosskitBackendError, LosskitOptionError } from '../errors.ts'
import { show } from '../show.ts'

/** Who computes: 'auto' follows where the data lives, 'cpu' and 'cuda' insist. */
export type Backend = 'auto' | 'cpu' | 'cuda'

export interface CudaStatus {
  readonly status: 'not-built'
  readonly reason: string
}

export function cudaStatus(): CudaStatus {
  return { status: 'not-built', reason: 'this build of losskit has no CUDA backend' }
}

/** The backend of calls that name none. */
const preferred = process.env.LOSSKIT_BACKEND || 'auto'

/** Whether calls that name no backend can be served. */
export const servesByDefault = isServed(preferred)

function isServed(backend: unknown): boolean {
  return backend === 'auto' || backend === 'cpu'
}

/** Refuses a backend that cannot serve, and says why. */
export function requireBackend(loss: string, backend: unknown): void {
  const name = backend === undefined ? 'LOSSKIT_BACKEND' : 'backend'
  const wanted = backend ?? preferred
  if (isServed(wanted)) return
  if (wanted !== 'cuda') {
    throw new LosskitOptionError(`${loss}: ${name} is ${show(wanted)}. It must be 'auto', 'cpu' or 'cuda'.`)
  }
  throw new LosskitBackendError(
    `${loss}: ${name} is 'cuda', but ${cudaStatus().reason}. Use 'auto' or 'cpu'.`,
  )
}
