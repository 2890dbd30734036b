import { LosskitBackendError, LosskitOptionError } from '../errors.ts'

/** Who computes: 'auto' follows where the data lives, 'cpu' and 'cuda' insist. */
export type Backend = 'auto' | 'cpu' | 'cuda'

export interface CudaStatus {
  readonly status: 'not-built'
  readonly reason: string
}

export function cudaStatus(): CudaStatus {
  return { status: 'not-built', reason: 'this build of losskit has no CUDA backend' }
}

/**
 * Refuses a backend that cannot serve. Asking in the call insists; LOSSKIT_BACKEND is a wish, which a machine that cannot
 * fulfil it answers with the CPU.
 */
export function requireBackend(loss: string, backend: unknown): void {
  if (backend === undefined || backend === 'auto' || backend === 'cpu') return
  if (backend !== 'cuda') {
    throw new LosskitOptionError(
      `${loss}: backend is ${JSON.stringify(backend)}. It must be 'auto', 'cpu' or 'cuda'.`,
    )
  }
  throw new LosskitBackendError(
    `${loss}: backend 'cuda' cannot serve: ${cudaStatus().reason}. Use 'auto' or 'cpu'.`,
  )
}
