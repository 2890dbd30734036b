import { device } from './device.ts'
import { status } from './status.ts'

/** CUDA devices: losses of tensors that lie on one are computed there. */
export const cuda = Object.freeze({ status, device })
