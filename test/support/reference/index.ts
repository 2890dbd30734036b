/**
 * The losses in plain float64, as their pages define them: each formula in the form that keeps small results, nothing
 * else. Every function gives the value and the gradients of one element, one row, one box, one image or, where samples are
 * coupled, one batch, before weights and reductions.
 */

export * from './all-pairs.ts'
export * from './binary.ts'
export * from './boxes.ts'
export * from './categorical.ts'
export * from './functions.ts'
export * from './gan.ts'
export * from './linear.ts'
export * from './margin.ts'
export * from './masks.ts'
export * from './pairs.ts'
export * from './probabilistic.ts'
export * from './regression.ts'
export * from './sample.ts'
export * from './sequences.ts'
export * from './softmax.ts'
