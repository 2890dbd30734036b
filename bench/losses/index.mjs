import { allPairs } from './all-pairs.mjs'
import { elements } from './elements.mjs'
import { pairs } from './pairs.mjs'
import { regions } from './regions.mjs'
import { rows } from './rows.mjs'
import { sequences } from './sequences.mjs'

/** Every loss of the benchmark, by name: at least one for each way the library has of walking data. */
export const losses = Object.fromEntries(
  [...elements, ...rows, ...pairs, ...regions, ...allPairs, ...sequences].map(loss => [loss.name, loss]),
)
