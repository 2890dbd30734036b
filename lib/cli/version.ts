import { readFileSync } from 'node:fs'

/** The package's own version. The path is the same from `lib/cli` and from `dist/cli`. */
export function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return (manifest as { version: string }).version
}
