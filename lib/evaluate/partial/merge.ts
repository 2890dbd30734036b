import { canonical } from '../canonical.ts'
import { DataError, PartialError } from '../errors.ts'
import { type Plan, planBytes } from '../plan.ts'
import { Tally } from '../tally.ts'
import { version } from '../version.ts'
import { differingFile, type FilePrint } from './fingerprint.ts'
import { decodePartial, type Partial } from './format.ts'
import type { Run } from './header.ts'
import { shardText } from './shard.ts'

/** Puts the shards of one run together, in any order, one at a time, so that memory holds two of them. */
export class Merger {
  #run: Run | undefined
  #tally: Tally | undefined
  #count = 0
  /** The name of each shard, for whoever comes a second time. */
  readonly #names = new Map<number, string>()

  /** Adds the partial that people know as `name`, or refuses it and stays as it was. */
  add(name: string, bytes: Uint8Array): this {
    const { header, tally } = decodePartial(name, bytes)
    const { run, shard } = header
    if (run.losskit !== version()) {
      throw new PartialError(
        `${name}: was computed by losskit ${run.losskit}, this is ${version()}. One run takes one version.`,
      )
    }
    const [first] = this.#names.values()
    if (this.#run !== undefined && first !== undefined) {
      checkSame(first, this.#run, name, run)
      if (shard.count !== this.#count) {
        const [index = 0] = this.#names.keys()
        const other = shardText({ index, count: this.#count })
        throw mixed(first, name, `they are shards of different cuts, ${other} and ${shardText(shard)}`)
      }
    }
    const before = this.#names.get(shard.index)
    if (before !== undefined) {
      throw new PartialError(
        `${before} and ${name}: both are shard ${shardText(shard)}. Its rows would count twice; leave one away.`,
      )
    }
    const read = readTally(name, run.plan, tally)
    if (this.#tally === undefined) this.#tally = read
    else this.#tally.merge(read)
    this.#run ??= run
    this.#count = shard.count
    this.#names.set(shard.index, name)
    return this
  }

  /** The run as one process would have computed it. */
  finish(): { readonly run: Run; readonly tally: Tally } {
    if (this.#run === undefined || this.#tally === undefined) {
      throw new PartialError('there are no partial files to merge.')
    }
    const missing = missingShards(this.#count, this.#names)
    if (missing !== undefined) throw new PartialError(`${missing}. All are needed, empty ones too.`)
    if (this.#run.rows === 0)
      throw new DataError(`${this.#run.data[0]?.name}: there are no rows to evaluate.`)
    return { run: this.#run, tally: this.#tally }
  }
}

/** A merged run as the partial of one shard, the same as `--shard 1/1` writes. */
export function wholePartial({ run, tally }: ReturnType<Merger['finish']>): Partial {
  return { header: { run, shard: { index: 1, count: 1 } }, tally: tally.toBytes() }
}

function readTally(name: string, plan: Plan, bytes: Uint8Array): Tally {
  try {
    return Tally.fromBytes(plan, bytes)
  } catch (cause) {
    throw new PartialError(`${name}: what it holds cannot be read. Compute this shard again.`, { cause })
  }
}

function checkSame(first: string, a: Run, name: string, b: Run): void {
  const files = differingFile(a.data, b.data)
  if (files !== undefined) {
    const [x, y] = files.map(fileText)
    throw mixed(first, name, `they were computed from different data: ${x}, and ${y}`)
  }
  if (a.rows !== b.rows) throw mixed(first, name, `the data had ${a.rows} rows, and ${b.rows}`)
  if (canonical(a.columns) !== canonical(b.columns)) {
    throw mixed(first, name, `other columns: ${canonical(a.columns)}, and ${canonical(b.columns)}`)
  }
  const [x, y] = [a, b].map(({ plan }) => new TextDecoder().decode(planBytes(plan)))
  if (x !== y) throw mixed(first, name, `other losses or options: ${x}, and ${y}`)
}

function mixed(first: string, name: string, reason: string): PartialError {
  return new PartialError(`${first} and ${name}: cannot be merged: ${reason}.`)
}

function fileText(file: FilePrint | undefined): string {
  if (file === undefined) return 'no further file'
  return `${file.name} (${file.size} bytes, ${file.sha256.slice(0, 12)}…)`
}

/** `shard 3 of 10 is missing`; nothing where all are there. */
function missingShards(count: number, found: ReadonlyMap<number, string>): string | undefined {
  const spans: [number, number][] = []
  for (let index = 1; index <= count; index++) {
    if (found.has(index)) continue
    const last = spans.at(-1)
    if (last?.[1] === index - 1) last[1] = index
    else spans.push([index, index])
  }
  const [first] = spans
  if (first === undefined) return undefined
  if (spans.length === 1 && first[0] === first[1]) return `shard ${first[0]} of ${count} is missing`
  const shown = spans.slice(0, 8).map(([from, to]) => (from === to ? `${from}` : `${from} to ${to}`))
  return `shards ${shown.join(', ')}${spans.length > shown.length ? ' and more' : ''} of ${count} are missing`
}
