import { resolve } from 'node:path'
import { UsageError } from '../errors.ts'
import type { Inputs } from '../sources/open.ts'

/** The files of some inputs, in the order in which their rows are numbered. */
export async function filesOf({ file, pred, target, weight }: Inputs): Promise<readonly string[]> {
  const files = file === undefined ? [pred, target, ...(weight === undefined ? [] : [weight])] : [file]
  if (files.includes('-')) {
    throw new UsageError(
      'rows of standard input have no numbers, so they cannot be a shard. Give files that all shards can read.',
    )
  }
  return files
}

/** What is read from the files and how, without their names, which may differ from machine to machine. */
export function columnsOf(inputs: Inputs): Readonly<Record<string, unknown>> {
  const { file, pred, target, weight, ...how } = inputs
  return file === undefined ? how : { pred, target, weight, ...how }
}

/** The same inputs for whoever starts elsewhere: another folder, another machine that has the same file systems. */
export function absolute(inputs: Inputs): Inputs {
  const { file, pred, target, weight } = inputs
  if (file !== undefined) return { ...inputs, file: resolve(file) }
  return {
    ...inputs,
    pred: resolve(pred),
    target: resolve(target),
    ...(weight !== undefined && { weight: resolve(weight) }),
  }
}
