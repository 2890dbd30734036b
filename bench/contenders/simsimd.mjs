import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { Lacks, requireDtype } from './contender.mjs'

/** SimSIMD, whose later name is NumKong: of these losses it has the sum of squared differences. One thread. */

const require = createRequire(new URL('../peers/package.json', import.meta.url))

/** It falls back to plain JavaScript with a warning: that would be another contender. */
function loadNative() {
  const { warn } = console
  let complaint = ''
  console.warn = text => {
    complaint = text
  }
  try {
    const simsimd = require('simsimd')
    if (complaint) throw new Error('its binary for this machine could not be loaded')
    return simsimd
  } finally {
    console.warn = warn
  }
}

/** Its package.json is not among its exports. @param {string} name */
const versionOf = name =>
  JSON.parse(readFileSync(new URL(`../peers/node_modules/${name}/package.json`, import.meta.url), 'utf8'))
    .version

/** @returns {import('./contender.mjs').Contender} */
export function load() {
  const { sqeuclidean } = loadNative()
  return {
    name: 'SimSIMD',
    version: versionOf('simsimd'),
    note: '1 thread; squared Euclidean distance, divided by the number of elements',
    prepare(item) {
      requireDtype(item, 'float32', 'float64')
      if (item.loss.name !== 'mse' || item.wantsGrad) throw new Lacks('mse alone')
      const { sets, scale } = item
      return [{ call: set => scale * sqeuclidean(sets[set].inputs.pred, sets[set].inputs.target) }]
    },
  }
}
