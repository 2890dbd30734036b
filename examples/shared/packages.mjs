import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { installApart } from '../../scripts/install-apart.mjs'

/** Where the packages are that only one example needs. @param {string} example */
export const folderOf = example => fileURLToPath(new URL(`../${example}/packages/`, import.meta.url))

/** Resolves and requires packages from there. @param {string} example */
export const packagesOf = example => createRequire(`${folderOf(example)}package.json`)

/** Installs them, unless they are there. @param {string} example */
export const install = example => installApart(folderOf(example), console.log)
