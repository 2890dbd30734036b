import { type CudaStatus, status } from '../cuda/status.ts'
import { LosskitOptionError } from '../errors.ts'
import { binding, file, target } from './binding.ts'

export interface BackendReport {
  /** The backend that computes host arrays. */
  readonly backend: 'cpu'
  /** The native file that was loaded. */
  readonly file: string
  /** The platform it was loaded on, as in `linux-x64`. */
  readonly target: string
  /** The instruction set in use, and those that this machine and this build could use. */
  readonly isa: string
  readonly isas: readonly string[]
  /** Threads in use, and CPUs that the process may run on. */
  readonly threads: number
  readonly cpus: number
  readonly cuda: CudaStatus
}

/**
 * What computes, and why. LOSSKIT_ISA and LOSSKIT_THREADS in the environment choose another instruction set and number of
 * threads, as far as the machine has them; results do not depend on either.
 */
export function backend(): BackendReport {
  const { isa, isas, threads, cpus } = binding.info()
  return { backend: 'cpu', file, target, isa, isas, threads, cpus, cuda: status() }
}

/** Sets how many threads large batches may use, at most 256, and returns what is set. Results do not depend on it. */
export function setThreads(threads: number): number {
  if (!Number.isInteger(threads) || threads < 1) {
    throw new LosskitOptionError(
      `setThreads: threads is ${String(threads)}. It must be a whole number from 1 on.`,
    )
  }
  return binding.setThreads(threads)
}
