/** The workflows of GitHub, read and with their matrices multiplied out. */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

export interface Step {
  readonly name?: string
  readonly uses?: string
  readonly run?: string
  readonly env?: Readonly<Record<string, string>>
  readonly with?: Readonly<Record<string, string | number | boolean>>
}

export interface Job {
  readonly uses?: string
  readonly needs?: string | readonly string[]
  readonly permissions?: Readonly<Record<string, string>>
  readonly strategy?: {
    readonly matrix: { readonly include?: readonly Combination[]; readonly target?: readonly string[] }
  }
  readonly steps?: readonly Step[]
}

type Combination = Readonly<Record<string, string>>

export interface Workflow {
  readonly on: Readonly<Record<string, unknown>>
  readonly permissions: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, Job>>
}

const folder = new URL('../../.github/workflows/', import.meta.url)
export const textOf = (name: string): string => readFileSync(fileURLToPath(new URL(name, folder)), 'utf8')
export const read = (name: string): Workflow => parse(textOf(name)) as Workflow

export const needsOf = ({ needs = [] }: Job): readonly string[] =>
  typeof needs === 'string' ? [needs] : needs

/** Every run of a job with a matrix: its combination, and the steps with that filled in. */
export function runsOf({ strategy, steps = [] }: Job): { combination: Combination; steps: Step[] }[] {
  const { include = [], target = [] } = strategy?.matrix ?? {}
  return [...include, ...target.map(one => ({ target: one }))].map(combination => ({
    combination,
    steps: steps.map(step => fillIn(step, combination)),
  }))
}

function fillIn(step: Step, combination: Combination): Step {
  const text = JSON.stringify(step).replace(
    /\$\{\{ matrix\.(\w+) \}\}/g,
    (_, key: string) => combination[key] ?? '',
  )
  const { env = {}, ...filled } = JSON.parse(text) as Step
  if (filled.run === undefined) return filled
  return {
    ...filled,
    run: filled.run.replace(/\$([A-Z]+)\b/g, (variable, name: string) => env[name] ?? variable),
  }
}
