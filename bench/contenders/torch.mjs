import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** PyTorch, where a Python on this machine has it: measured within its own process, in the same rounds. */

const script = fileURLToPath(new URL('torch_peer.py', import.meta.url))
const pythons = process.env.LOSSKIT_BENCH_PYTHON
  ? [process.env.LOSSKIT_BENCH_PYTHON]
  : ['python3', '/usr/bin/python3']

/** @param {string} python */
async function start(python) {
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'pipe'] })
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
    if (result.error) throw new Error(result.error)
    return result
  }
  const ask = request => {
    child.stdin.write(`${JSON.stringify(request)}\n`)
    return answer()
  }
  return { hello: await answer(), ask, end: () => child.stdin.end() }
}

async function startAny() {
  const reasons = []
  for (const python of pythons) {
    try {
      return await start(python)
    } catch (error) {
      reasons.push(`${python}: ${error.message}`)
    }
  }
  throw new Error(reasons.join('; '))
}

/** @returns {Promise<import('./contender.mjs').Contender>} */
export async function load() {
  const { hello, ask, end } = await startAny()
  const folder = await mkdtemp(join(tmpdir(), 'losskit-bench-'))
  const gradFile = join(folder, 'grad')
  /** @type {{ sets?: import('../cases.mjs').DataSet[], files?: [string, string][] }} the data that lies in the folder now */
  const current = {}

  return {
    name: 'PyTorch',
    version: hello.version,
    note: `${hello.threads} threads, in a process of its own, int64 labels; the gradient by backward()`,
    async prepare({ loss, wantsGrad, size, sets }) {
      if (current.sets !== sets) {
        current.sets = sets
        current.files = sets.map((_, i) => [join(folder, `pred${i}`), join(folder, `target${i}`)])
        for (const [i, [pred, target]] of current.files.entries()) {
          await writeFile(pred, sets[i].pred)
          await writeFile(target, sets[i].target)
        }
      }
      await ask({
        do: 'prepare',
        loss,
        wantsGrad,
        rows: size.rows,
        classes: size.classes,
        files: current.files,
      })
      return [
        {
          sample: async (first, repeat) => (await ask({ do: 'sample', first, repeat })).ns,
          check: async () => {
            const { value } = await ask({ do: 'check', gradFile })
            if (!wantsGrad) return { value }
            const bytes = await readFile(gradFile)
            return { value, grad: new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4) }
          },
          dispose: async () => {
            await ask({ do: 'dispose' })
          },
        },
      ]
    },
    async close() {
      end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
