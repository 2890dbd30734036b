import { InvalidArgumentError } from 'commander'
import { entryOf, isLossName, type LossName, lossNames, type OptionName } from '../evaluate/catalogue.ts'
import { UsageError } from '../evaluate/errors.ts'
import { parseNumber } from '../evaluate/numbers.ts'

/** How the options of losses are written on the command line; `--weight` is read by itself, for it has two meanings. */
export const lossFlags: Readonly<
  Record<
    Exclude<OptionName, 'weight'>,
    { readonly flag: string; readonly help: string; parse(text: string): unknown }
  >
> = {
  delta: {
    flag: '--delta <number>',
    help: 'where huber turns from a parabola into lines (default 1)',
    parse: number,
  },
  posWeight: {
    flag: '--pos-weight <numbers>',
    help: 'factor of the positive targets of bceWithLogits: one, or one per column ("1,2.5")',
    parse: text => {
      const list = numbers(text)
      return list.length === 1 ? list[0] : list
    },
  },
  ignoreIndex: {
    flag: '--ignore-index <label>',
    help: 'label whose rows are left out (default -100)',
    parse: whole,
  },
  labelSmoothing: {
    flag: '--label-smoothing <number>',
    help: 'for crossEntropy, from 0 to 1 (default 0)',
    parse: number,
  },
}

export function number(text: string): number {
  const value = parseNumber(text.trim())
  if (value === undefined) throw new InvalidArgumentError('It must be a number.')
  return value
}

export function numbers(text: string): readonly number[] {
  return text.split(',').map(number)
}

export function whole(text: string): number {
  const value = number(text)
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('It must be a whole number.')
  return value
}

export function positiveWhole(text: string): number {
  const value = whole(text)
  if (value < 1) throw new InvalidArgumentError('It must be a whole number from 1 on.')
  return value
}

export function lossName(text: string, before: readonly LossName[] = []): readonly LossName[] {
  if (!isLossName(text)) {
    const close = lossNames.find(name => name.toLowerCase() === text.toLowerCase().replaceAll(/[-_]/g, ''))
    const hint = close === undefined ? `The losses are ${lossNames.join(', ')}.` : `Did you mean ${close}?`
    throw new InvalidArgumentError(hint)
  }
  if (before.includes(text)) throw new InvalidArgumentError('It is given twice.')
  return [...before, text]
}

/** `bce=0.5`: the command fails where the loss is above. */
export interface Threshold {
  readonly loss: LossName
  readonly limit: number
}

export function threshold(text: string, before: readonly Threshold[] = []): readonly Threshold[] {
  const [, name = '', limit = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? []
  const value = parseNumber(limit.trim())
  if (!isLossName(name) || value === undefined || Number.isNaN(value)) {
    throw new InvalidArgumentError('It must be LOSS=NUMBER, for example bce=0.5.')
  }
  return [...before, { loss: name, limit: value }]
}

/** An option that none of the losses takes is a mistake, not something to be ignored. */
export function checkTaken(
  losses: readonly LossName[],
  given: readonly Exclude<OptionName, 'weight'>[],
): void {
  for (const name of given) {
    if (losses.some(loss => entryOf(loss).options.includes(name))) continue
    const takers = lossNames.filter(loss => entryOf(loss).options.includes(name))
    const flag = lossFlags[name].flag.split(' ')[0]
    throw new UsageError(
      `${flag} is for ${takers.join(' and ')}, and ${losses.join(', ')} takes no such option.`,
    )
  }
}
