import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Lacks } from './contender.mjs'

/** Libraries of Python, where one on this machine has them: measured within a process of their own, in the same rounds. */

const pythons = process.env.LOSSKIT_BENCH_PYTHON
  ? [process.env.LOSSKIT_BENCH_PYTHON]
  : ['python3', '/usr/bin/python3']

/** @param {string} python @param {string} script @param {string[]} args */
async function start(python, script, args) {
  const child = spawn(python, ['-B', script, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  let complaint = ''
  child.stderr.on('data', text => {
    complaint += text
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const gone = once(child, 'close').then(
    () => ({ error: complaint.trim().split('\n').at(-1) || 'it ended' }),
    error => ({ error: error.message }),
  )
  const answer = async () => {
    const { value } = await lines.next()
    const result = value === undefined ? await gone : JSON.parse(value)
    if (result.lacks) throw new Lacks(`no ${result.lacks}`)
    if (result.error) throw new Error(result.error)
    return result
  }
  const ask = request => {
    child.stdin.write(`${JSON.stringify(request)}\n`)
    return answer()
  }
  return { hello: await answer(), ask, end: () => child.stdin.end() }
}

/**
 * A process of the first Python that can run the script: it says hello, and answers a line of JSON by one.
 *
 * @param {string} script
 * @param {string[]} [args]
 */
export async function startPython(script, args = []) {
  const reasons = []
  for (const python of pythons) {
    try {
      return await start(python, script, args)
    } catch (error) {
      reasons.push(`${python}: ${error.message}`)
    }
  }
  throw new Error(reasons.join('; '))
}

/** The sets as files, written once for all processes. @type {Map<object, Promise<Record<string, string>[]>>} */
const written = new Map()
/** Those of a small case to check and of the case itself. */
const mostWritten = 2

/** @param {import('../cases.mjs').DataSet[]} sets @param {string} folder */
async function filesOf(sets, folder) {
  let files = written.get(sets)
  if (!files) {
    files = writeSets(sets, await mkdtemp(join(folder, 'data-')))
    written.set(sets, files)
    if (written.size > mostWritten) {
      const [oldest] = written.keys()
      const [first] = await written.get(oldest)
      await rm(dirname(Object.values(first)[0]), { recursive: true })
      written.delete(oldest)
    }
  }
  return files
}

/** @param {import('../cases.mjs').DataSet[]} sets @param {string} folder */
const writeSets = (sets, folder) =>
  Promise.all(
    sets.map(async ({ inputs }, i) => {
      const files = Object.entries(inputs).map(([name, data]) => [name, join(folder, `${name}${i}`), data])
      for (const [, path, data] of files) await writeFile(path, data)
      return Object.fromEntries(files)
    }),
  )

/**
 * @param {string} script beside this file
 * @param {string} folder for the data; whoever made it removes it
 * @returns {Promise<{ hello: Record<string, string>, prepare: import('./contender.mjs').Contender['prepare'], close: () => void }>}
 */
export async function pythonPeer(script, folder) {
  const { hello, ask, end } = await startPython(fileURLToPath(new URL(script, import.meta.url)))
  return {
    hello,
    async prepare({ loss, wantsGrad, dtype, shapes, reduction, sets }) {
      const files = await filesOf(sets, folder)
      const gradients = wantsGrad ? loss.grads : []
      await ask({ do: 'prepare', loss: loss.name, dtype, shapes, reduction, gradients, files })
      return [
        {
          sample: async (first, repeat) => (await ask({ do: 'sample', first, repeat })).ns,
          async check() {
            const { value } = await ask({ do: 'check', folder })
            const grads = {}
            for (const name of gradients) {
              const { buffer, byteOffset, byteLength } = await readFile(join(folder, `grad-${name}`))
              const Kind = sets[0].grads[name].constructor
              grads[name] = new Kind(buffer.slice(byteOffset, byteOffset + byteLength))
            }
            return { value: value ?? Number.NaN, grads }
          },
          dispose: async () => {
            await ask({ do: 'dispose' })
          },
        },
      ]
    },
    close: end,
  }
}
