import { DataError } from '../errors.ts'
import { type Batch, type Column, type Source, width } from '../source.ts'
import { GroupNames } from './group-names.ts'

/** A source whose last column names the group of each row, by whole numbers. */
export function keyed(source: Source): Source {
  const fields = source.fields.slice(0, -1)
  const key = source.fields.at(-1)
  if (key === undefined || key.dtype.includes('float') || width(key.rowShape) !== 1) {
    throw new DataError(`${key?.name}: cannot group rows. It takes one whole number for each row.`)
  }
  return {
    fields,
    rows: source.rows,
    split: source.split,
    get progress() {
      return source.progress
    },
    [Symbol.asyncIterator]: () => batches(source),
    close: () => source.close(),
  }
}

async function* batches(source: Source): AsyncGenerator<Batch, void, undefined> {
  const groups = new GroupNames()
  const turns = [new Int32Array(), new Int32Array()]
  let turn = 0
  for await (const batch of source) {
    const { data } = batch.columns.at(-1) as Column
    if ((turns[turn] as Int32Array).length < data.length) turns[turn] = new Int32Array(data.length)
    const ids = (turns[turn] as Int32Array).subarray(0, data.length)
    for (let row = 0; row < ids.length; row++) ids[row] = groups.idOf(data[row] as number | bigint)
    yield { ...batch, columns: batch.columns.slice(0, -1), groups: { ids, names: groups.names } }
    turn ^= 1
  }
}
