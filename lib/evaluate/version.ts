import { readFileSync } from 'node:fs'

/** The package's own version. The path is the same from all folders of `lib` and `dist`. */
export function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return (manifest as { version: string }).version
}
