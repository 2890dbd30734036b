/**
 * What the library uses of Node. An import would make a namespace of all that a module has, and evaluate that: of `node:fs`
 * all that reads streams, a tenth of the time that importing losskit takes.
 */

export const { existsSync, openSync, readSync, closeSync } = process.getBuiltinModule('node:fs')
export const { dirname, isAbsolute, join, resolve } = process.getBuiltinModule('node:path')
export const { setImmediate } = process.getBuiltinModule('node:timers')
export const { fileURLToPath } = process.getBuiltinModule('node:url')
