import { InvalidArgumentError } from 'commander'
import { type LossName, lossNames, optionDomains, takersOf } from '../evaluate/catalogue.ts'
import { UsageError } from '../evaluate/errors.ts'
import { parseNumber } from '../evaluate/numbers.ts'
import type { ScalarDomain } from '../losses/options.ts'

/** How an option of the losses is written on the command line. */
export interface LossFlag {
  readonly flag: string
  readonly help: string
  parse(text: string): unknown
}

/** By the name of the option; `weight` is read by itself, for it has two meanings. */
export const lossFlags: ReadonlyMap<string, LossFlag> = new Map(
  [...optionDomains].flatMap(([name, domain]): [string, LossFlag][] => {
    if (domain.kind === 'classWeights') return []
    const flag = `--${name.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`
    const of = takersOf(name).join(', ')
    if (domain.kind === 'extra') {
      const help = `of ${of}: one number, or one for each column ("1,2.5")`
      return [[name, { flag: `${flag} <numbers>`, help, parse: oneOrMany }]]
    }
    const help = `of ${of}: ${domain.takes} (default ${domain.decode(domain.fallback)})`
    return [[name, { flag: `${flag} <value>`, help, parse: text => scalar(domain, text) }]]
  }),
)

function oneOrMany(text: string): number | readonly number[] {
  const list = numbers(text)
  return list.length === 1 ? (list[0] as number) : list
}

/** A number, a word, or true or false: what the domain takes. */
function scalar(domain: ScalarDomain, text: string): unknown {
  const trimmed = text.trim()
  const readings = [
    parseNumber(trimmed),
    trimmed,
    trimmed === 'true' ? true : trimmed === 'false' ? false : undefined,
  ]
  const value = readings.find(reading => reading !== undefined && domain.encode(reading) !== undefined)
  if (value === undefined) throw new InvalidArgumentError(`It must be ${domain.takes}.`)
  return value
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

/** A whole number from 0 to `most`. */
export function wholeUpTo(most: number): (text: string) => number {
  return text => {
    const value = whole(text)
    if (value < 0 || value > most) throw new InvalidArgumentError(`It must be from 0 to ${most}.`)
    return value
  }
}

export function lossName(text: string, before: readonly LossName[] = []): readonly LossName[] {
  if (!lossNames.includes(text)) {
    const close = lossNames.find(name => name.toLowerCase() === text.toLowerCase().replaceAll(/[-_]/g, ''))
    const hint = close === undefined ? `The losses are ${lossNames.join(', ')}.` : `Did you mean ${close}?`
    throw new InvalidArgumentError(hint)
  }
  if (before.includes(text)) throw new InvalidArgumentError('It is given twice.')
  return [...before, text]
}

/** `bce=0.5`, or `bce@north=0.5` of a group: the command fails where the loss is above. */
export interface Threshold {
  readonly loss: LossName
  readonly group?: string
  readonly limit: number
}

export function threshold(text: string, before: readonly Threshold[] = []): readonly Threshold[] {
  const [, name = '', group, limit = ''] = /^([^=@]*)(?:@(.*))?=([^=]*)$/s.exec(text) ?? []
  const value = parseNumber(limit.trim())
  if (!lossNames.includes(name) || value === undefined || Number.isNaN(value)) {
    throw new InvalidArgumentError('It must be LOSS=NUMBER, for example bce=0.5.')
  }
  return [...before, { loss: name, ...(group !== undefined && { group }), limit: value }]
}

/** An option that none of the losses takes is a mistake, not something to be ignored. */
export function checkTaken(losses: readonly LossName[], given: readonly string[]): void {
  for (const name of given) {
    const takers = takersOf(name)
    if (losses.some(loss => takers.includes(loss))) continue
    const flag = lossFlags.get(name)?.flag.split(' ')[0]
    throw new UsageError(
      `${flag} is for ${takers.join(' and ')}, and ${losses.join(', ')} takes no such option.`,
    )
  }
}
