import { binding } from '../backend/binding.ts'
import { LosskitBackendError } from '../errors.ts'
import { resolve } from '../node.ts'

/** By their names the system finds libraries that it knows; a toolkit that was unpacked by hand it may not know. */
const PLACES = ['', '/usr/local/cuda/lib64/'].flatMap(folder =>
  [13, 12].map(version => `${folder}libcublasLt.so.${version}`),
)

let isOpen = false

/** Opens cuBLASLt when it is first needed, and keeps it. */
export function requireCublas(loss: string): void {
  if (isOpen) return
  const named = process.env.LOSSKIT_CUBLASLT_LIBRARY
  const reasons: string[] = []
  for (const place of named ? [resolve(named)] : PLACES) {
    const why = binding.cuda.openCublas(place)
    isOpen = why === undefined
    if (isOpen) return
    reasons.push(why as string)
  }
  const advice = named
    ? 'LOSSKIT_CUBLASLT_LIBRARY names it: correct it, or unset it.'
    : "Install cuBLAS of CUDA 13 or 12, or let LOSSKIT_CUBLASLT_LIBRARY name the file, or leave matmul out, for 'exact'."
  throw new LosskitBackendError(
    `${loss}: matmul 'cublas' needs the library cuBLASLt, which cannot be opened: ${reasons.join('; ')}. ${advice}`,
  )
}
