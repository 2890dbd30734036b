import type { DuckDBScalarFunction } from '@duckdb/node-api'
import type { Vector } from '@duckdb/node-bindings'
import { mbe } from '../index.ts'
import type { FloatArray } from '../tensor/types.ts'
import type { Engine } from './engine.ts'
import { columnsOf, DOUBLE, isSet, readFloats, readMask, rowsPresent, writeFloats } from './vectors.ts'

/** The bias of zeros is the mean of the targets. */
const ZEROS = new Float64Array(1 << 16)

/**
 * `exact_sum(list(x))` and `exact_avg(list(x))`: exact, rounded once, whatever the order of the rows. The interface of DuckDB
 * for Node has no aggregates, so DuckDB gathers the values of a group in a list first.
 */
export function exactFunctions(engine: Engine, prefix: string): readonly DuckDBScalarFunction[] {
  return [reduceList(engine, `${prefix}exact_sum`, 'sum'), reduceList(engine, `${prefix}exact_avg`, 'mean')]
}

/** As in sum and avg of SQL, elements that are NULL do not count, and of none at all the result is NULL. */
function reduceList(engine: Engine, name: string, reduction: 'sum' | 'mean'): DuckDBScalarFunction {
  const { api, raw } = engine
  const made = api.DuckDBScalarFunction.create({
    name,
    parameterTypes: [api.LIST(api.DOUBLE)],
    returnType: api.DOUBLE,
    mainFunction: () => {},
  })
  raw.scalar_function_set_function(made.scalar_function, (_info, chunk, output) => {
    const rows = raw.data_chunk_get_size(chunk)
    const lists = columnsOf(engine, chunk)
    const list = lists[0] as Vector
    const { buffer, byteOffset } = raw.vector_get_data(list, rows * 16)
    const places = new BigUint64Array(buffer, byteOffset, rows * 2)
    const child = raw.list_vector_get_child(list)
    const size = raw.list_vector_get_size(list)
    const elements = readFloats(engine, child, size, DOUBLE)
    const mask = readMask(engine, child, size)

    const filled: number[] = []
    const values: number[] = []
    for (const row of rowsPresent(engine, lists, rows) ?? Array(rows).keys()) {
      const [start, length] = [Number(places[row * 2]), Number(places[row * 2 + 1])]
      const all = elements.subarray(start, start + length)
      const counted = mask === undefined ? all : all.filter((_, i) => isSet(mask, start + i))
      if (counted.length === 0) continue
      filled.push(row)
      values.push(reduce(counted, reduction))
    }
    writeFloats(engine, output, Float64Array.from(values), rows, Int32Array.from(filled), DOUBLE)
  })
  return made
}

function reduce(values: FloatArray, reduction: 'sum' | 'mean'): number {
  const sum = mbe.accumulator({ reduction })
  for (let start = 0; start < values.length; start += ZEROS.length) {
    const part = values.subarray(start, start + ZEROS.length)
    sum.update(ZEROS.subarray(0, part.length), part)
  }
  return sum.value
}
