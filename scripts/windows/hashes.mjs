/** Prints the hash of each kernel in each instruction set. main.mjs has Node.js for Windows run it. */

import { hashOf } from '../../test/bits/hashes.ts'
import { binding } from '../../test/support/raw.ts'

const hashesIn = isa => {
  binding.setIsa(isa)
  return Object.fromEntries(binding.kernels.map(kernel => [kernel.name, hashOf(kernel)]))
}
const { isas } = binding.info()
console.log(JSON.stringify({ platform: process.platform, sets: isas.map(isa => [isa, hashesIn(isa)]) }))
