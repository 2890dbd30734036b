import type { Slots } from '../../binding.js'
import { load } from './load.ts'

/** The addon of this process, loaded once, when losskit is imported. */
export const { binding, file, target } = load()

/**
 * The numbers of the next call. Calls into the addon are synchronous and so is the time between writing the frame and
 * calling: no code of the user's (a getter, a valueOf) may run in between, for it could call a loss too.
 */
export const frame: Float64Array = binding.frame

export const slots: Slots = binding.slots
