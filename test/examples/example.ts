import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { TestContext } from 'vitest'

/** What an example prints, which must be all: no warnings. */
export async function example(
  name: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const path = fileURLToPath(new URL(`../../examples/${name}.mjs`, import.meta.url))
  const options = { env: { ...process.env, ...env } }
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [path, ...args], options)
  if (stderr !== '') throw new Error(`${name} wrote to stderr: ${stderr}`)
  return stdout
}

/** The rows of the table whose first line begins with `head`: cells lie two spaces apart. */
export function tableOf(stdout: string, head: string): Record<string, string>[] {
  const lines = stdout.split('\n')
  const start = lines.findIndex(line => line.trimStart().startsWith(`${head}  `))
  if (start < 0) throw new Error(`There is no table that begins with ${head} in:\n${stdout}`)
  const end = lines.indexOf('', start)
  const [names = [], ...rows] = lines.slice(start, end).map(line => line.trim().split(/ {2,}/))
  return rows.map(cells => Object.fromEntries(names.map((name, i) => [name, cells[i] ?? ''])))
}

/** Skips the test of an example whose own packages are not there, and says so. */
export function needsPackages(name: string, context: TestContext): void {
  if (existsSync(new URL(`../../examples/${name}/packages/node_modules/`, import.meta.url))) return
  const reason = `its packages are not installed: node examples/install.mjs ${name}`
  console.warn(`The example ${name} is not tested: ${reason}`)
  context.skip(reason)
}
