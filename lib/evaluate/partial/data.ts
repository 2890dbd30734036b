import { resolve } from 'node:path'
import { UsageError } from '../errors.ts'
import { expandPattern } from '../sources/duckdb/open.ts'
import { isAddress, isPattern, memberOf } from '../sources/format.ts'
import type { Inputs } from '../sources/open.ts'

/** The files of some inputs, in the order in which their rows are numbered. */
export async function filesOf(inputs: Inputs): Promise<readonly string[]> {
  const { file, sql, sqlSetup, pred, target, weight, by } = inputs
  // What a query reads is its own affair.
  if (sql !== undefined) return []
  if (file !== undefined && isAddress(file)) return []
  if (file !== undefined && (await isPattern(file))) return expandPattern(file, sqlSetup)
  const files = file === undefined ? [pred, target, weight, by].filter(path => path !== undefined) : [file]
  if (files.includes('-')) {
    throw new UsageError(
      'rows of standard input have no numbers, so they cannot be a shard. Give files that all shards can read.',
    )
  }
  return [...new Set(files.map(path => memberOf(path)?.file ?? path))]
}

/**
 * What is read and how, without the names of files, which have fingerprints and may lie elsewhere on another machine, and
 * without the statements before, which may hold secrets.
 */
export function columnsOf(inputs: Inputs): Readonly<Record<string, unknown>> {
  const { file, sqlSetup, pred, target, weight, ...how } = inputs
  if (file !== undefined && isAddress(file)) return { file, pred, target, weight, ...how }
  return file === undefined && inputs.sql === undefined ? how : { pred, target, weight, ...how }
}

/** The same inputs for whoever starts elsewhere: another folder, another machine that has the same file systems. */
export function absolute(inputs: Inputs): Inputs {
  const { file, sql, pred, target, weight, by } = inputs
  if (sql !== undefined) return inputs
  if (file !== undefined) return isAddress(file) ? inputs : { ...inputs, file: resolve(file) }
  return {
    ...inputs,
    pred: resolve(pred),
    target: resolve(target),
    ...(weight !== undefined && { weight: resolve(weight) }),
    ...(by !== undefined && { by: resolve(by) }),
  }
}
