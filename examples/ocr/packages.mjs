import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Where the packages of this example are installed. */
export const folder = fileURLToPath(new URL('./packages/', import.meta.url))

/** Resolves and requires packages from there. */
export const packages = createRequire(`${folder}package.json`)
