import { backend } from '../../index.ts'
import { filesOf } from '../partial/data.ts'
import { type FilePrint, fingerprintFile } from '../partial/fingerprint.ts'
import type { Plan } from '../plan.ts'
import type { Inputs } from '../sources/open.ts'
import { version } from '../version.ts'

/** What a run was: enough to do it again, and to see whether another one was the same. */
export interface About {
  readonly files: readonly FilePrint[]
  /** What was read from them, and how. */
  readonly inputs: Readonly<Record<string, unknown>>
  readonly plan: Plan
  readonly losskit: string
  readonly isa: string
  readonly node: string
  readonly date: Date
}

export async function aboutRun(inputs: Inputs, plan: Plan): Promise<About> {
  // Standard input is gone by now, and had no size.
  const names = Object.values(inputs).includes('-') ? [] : await filesOf(inputs)
  return about(await Promise.all(names.map(fingerprintFile)), { ...inputs }, plan)
}

export function about(
  files: readonly FilePrint[],
  inputs: Readonly<Record<string, unknown>>,
  plan: Plan,
): About {
  const { isa } = backend()
  return { files, inputs, plan, losskit: version(), isa, node: process.version, date: new Date() }
}
