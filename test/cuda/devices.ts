/**
 * The device that these tests run on: an emulated one, or where LOSSKIT_TEST_GPU is 1 the first GPU of the machine. The
 * environment is read when the library is first needed, so whatever it says has to be said before.
 */

import { fileURLToPath } from 'node:url'
import { cuda } from '../../lib/index.ts'

export const EMULATED = fileURLToPath(
  new URL('../../build/Release/liblosskit_cuda_emulated.so', import.meta.url),
)

const onGpu = process.env.LOSSKIT_TEST_GPU === '1'
if (!onGpu) {
  process.env.LOSSKIT_CUDA_LIBRARY = EMULATED
  process.env.LOSSKIT_CUBLASLT_LIBRARY = EMULATED // which has one of its own
}

const { state, message } = cuda.status()

/** Why there is no device to test with. Only a GPU may be missing, and an emulated device off Linux. */
export const missing: string | undefined =
  state === 'available' ? undefined : `${onGpu ? 'no GPU' : 'no emulated device'}: ${state}. ${message}`

if (missing !== undefined) {
  if (!onGpu && process.platform === 'linux') throw new Error(missing)
  console.log(`skipped, as there is ${missing}`)
}
