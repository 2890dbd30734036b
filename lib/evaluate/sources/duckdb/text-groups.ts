import type { DuckDBDataChunk } from '@duckdb/node-api'
import type { Engine } from '../../../duckdb/engine.ts'
import { isSet, readMask } from '../../../duckdb/vectors.ts'
import type { ChunkGroups } from '../assemble.ts'
import type { GroupNames } from '../group-names.ts'

/** Texts up to this length lie in the vector itself: 4 bytes with their length, then their own, then zeros. */
const inline = 12

/** Turns a column of texts into ids of groups. Making a string for every row would cost ten times as much as the rest. */
export class TextGroups {
  readonly #groups: GroupNames
  /** By the 16 bytes of a text that is inline: its length and first word, then one more word each. */
  readonly #known = new Map<number, Map<number, Map<number, number>>>()
  readonly #last = new Uint32Array(4)
  #lastId = -1

  constructor(groups: GroupNames) {
    this.#groups = groups
  }

  /** The ids of all rows of a chunk. */
  read(engine: Engine, chunk: DuckDBDataChunk, column: number): ChunkGroups {
    const { raw } = engine
    const rows = chunk.rowCount
    const vector = raw.data_chunk_get_vector(chunk.chunk, column)
    const mask = readMask(engine, vector, rows)
    const bytes = raw.vector_get_data(vector, rows * 16)
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, rows * 4)
    const ids = new Int32Array(rows)
    const missing: number[] = []
    let long: ((row: number) => unknown) | undefined
    for (let row = 0; row < rows; row++) {
      if (mask !== undefined && !isSet(mask, row)) missing.push(row)
      else if ((words[4 * row] as number) <= inline) ids[row] = this.#short(words, bytes, row)
      else {
        if (long === undefined) {
          const items = chunk.getColumnVector(column)
          long = i => items.getItem(i)
        }
        ids[row] = this.#groups.idOf(String(long(row)))
      }
    }
    return { ids, missing }
  }

  #short(words: Uint32Array, bytes: Uint8Array, row: number): number {
    const i = 4 * row
    const last = this.#last
    const [a, b, c, d] = [words[i], words[i + 1], words[i + 2], words[i + 3]] as [
      number,
      number,
      number,
      number,
    ]
    if (this.#lastId >= 0 && a === last[0] && b === last[1] && c === last[2] && d === last[3])
      return this.#lastId
    last.set([a, b, c, d])
    const first = child(this.#known, a * 2 ** 32 + b)
    const second = child(first, c)
    let id = second.get(d)
    if (id === undefined) {
      const start = bytes.byteOffset + 16 * row + 4
      id = this.#groups.idOf(Buffer.from(bytes.buffer, start, a).toString('utf8'))
      second.set(d, id)
    }
    this.#lastId = id
    return id
  }
}

function child<T>(map: Map<number, Map<number, T>>, key: number): Map<number, T> {
  let found = map.get(key)
  if (found === undefined) {
    found = new Map()
    map.set(key, found)
  }
  return found
}
