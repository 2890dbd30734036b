import type { DuckDBScalarFunction, DuckDBType } from '@duckdb/node-api'
import type { Vector } from '@duckdb/node-bindings'
import { LosskitDomainError } from '../errors.ts'
import type { FloatArray } from '../tensor/types.ts'
import type { Engine } from './engine.ts'
import type { SqlLoss, SqlOption } from './functions.ts'
import {
  columnsOf,
  type FloatType,
  gather,
  isConstant,
  readFloats,
  rowsPresent,
  writeFloats,
} from './vectors.ts'

/**
 * A loss as a scalar function of SQL: its inputs, then the first `options.length` of its options. DuckDB calls it for up to
 * 2048 rows at a time. Where any argument is NULL so is the value.
 */
export function lossFunction(
  engine: Engine,
  loss: SqlLoss,
  options: readonly SqlOption[],
  type: FloatType,
): DuckDBScalarFunction {
  const { api, raw } = engine
  const float = type.bytes === 4 ? api.FLOAT : api.DOUBLE
  const types = { input: float, number: api.DOUBLE, boolean: api.BOOLEAN, string: api.VARCHAR }
  const made = api.DuckDBScalarFunction.create({
    name: loss.sqlName,
    parameterTypes: [
      ...loss.inputs.map((): DuckDBType => float),
      ...options.map(option => types[option.type]),
    ],
    returnType: float,
    mainFunction: () => {},
  })
  // The client's own wrapper of vectors copies them value by value.
  raw.scalar_function_set_function(made.scalar_function, (_info, chunk, output) => {
    const rows = raw.data_chunk_get_size(chunk)
    const columns = columnsOf(engine, chunk)
    const present = rowsPresent(engine, columns, rows)
    const count = present?.length ?? rows
    const floats = (column: number) => {
      const values = readFloats(engine, columns[column] as Vector, rows, type)
      return present === undefined ? values : gather(values, present, type)
    }
    const inputs = loss.inputs.map((_, i) => floats(i))
    const given = options.map((option, i): Given => {
      const column = loss.inputs.length + i
      if (option.type === 'input') return { name: option.name, factors: floats(column) }
      const vector = columns[column] as Vector
      const values = api.DuckDBVector.create(vector, rows)
      const same = isConstant(engine, vector, rows, WIDTHS[option.type])
      return { name: option.name, same, of: i => values.getItem(present?.[i] ?? i) }
    })
    writeFloats(engine, output, compute(loss, inputs, given, count, type), rows, present, type)
  })
  return made
}

/** An option as it is given for the rows: with one number for each of them, or with values that most often are all equal. */
type Given =
  | { readonly name: string; readonly factors: FloatArray }
  | { readonly name: string; readonly same: boolean; of(row: number): unknown }

/** Bytes of an option in a vector. */
const WIDTHS = { number: 8, boolean: 1, string: 16 }

/** One call of the loss for every run of rows with equal options. */
function compute(
  loss: SqlLoss,
  inputs: readonly FloatArray[],
  given: readonly Given[],
  rows: number,
  type: FloatType,
): FloatArray {
  const values = type.make(rows)
  for (let start = 0; start < rows; ) {
    const end = endOfRun(given, start, rows)
    const cut = (whole: FloatArray) => whole.subarray(start, end)
    const options = given.map(option => [
      option.name,
      'of' in option ? option.of(start) : cut(option.factors),
    ])
    try {
      values.set(loss.values(inputs.map(cut), Object.fromEntries(options)), start)
    } catch (error) {
      throw withoutPosition(error)
    }
    start = end
  }
  return values
}

function endOfRun(given: readonly Given[], start: number, rows: number): number {
  let end = rows
  for (const option of given) {
    if (!('of' in option) || option.same) continue
    const first = option.of(start)
    let row = start + 1
    while (row < end && Object.is(option.of(row), first)) row++
    end = row
  }
  return end
}

/** Its position among the rows that DuckDB happened to pass means nothing to who wrote the query. */
function withoutPosition(error: unknown): unknown {
  if (!(error instanceof LosskitDomainError)) return error
  const message = error.message.replace(`[${error.index}]`, '')
  return new LosskitDomainError(message, error.index, error.value)
}
