import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as losskit from '../../lib/index.ts'

const folder = new URL('../../lib/losses/', import.meta.url)

interface Example {
  readonly loss: string
  readonly code: string
  readonly result: string
}

/** The `@example code  // result` lines of a file, each with the loss in whose documentation it stands. */
function examplesOf(text: string): Example[] {
  return [...text.matchAll(/\/\*\*.*?\*\/\s*export const (\w+) = (?:elements|rows)\(/gs)].flatMap(
    ([comment, loss]) =>
      [...comment.matchAll(/^ \* @example (.+?) {2}\/\/ (.+)$/gm)].map(([, code, result]) => ({
        loss: loss as string,
        code: code as string,
        result: result as string,
      })),
  )
}

const texts = readdirSync(folder).map(name => readFileSync(new URL(name, folder), 'utf8'))
const examples = texts.flatMap(examplesOf)
const names = Object.keys(losskit)
const run = (code: string): unknown => new Function(...names, `return (${code})`)(...Object.values(losskit))

describe('the documentation', () => {
  it.each(examples)('$code is $result', ({ code, result }) => {
    const value = run(code)
    expect(ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value).toEqual(run(result))
  })

  it('has an example of the value and of the gradient of every loss', () => {
    const losses = Object.values(losskit).flatMap(value => ('lossName' in value ? [value.lossName] : []))
    for (const loss of losses) {
      const codes = examples.filter(example => example.loss === loss).map(({ code }) => code)
      expect(codes, loss).toContainEqual(expect.stringMatching(`^${loss}\\(`))
      expect(codes, loss).toContainEqual(expect.stringMatching(`^${loss}\\.grad\\(`))
    }
  })

  it('has no example that this test does not see', () => {
    const written = texts.join('').match(/@example/g)?.length ?? 0
    expect(examples.length).toBe(written)
  })

  it('says the same things about every loss', () => {
    for (const [comment, loss] of texts
      .join('')
      .matchAll(/\/\*\*.*?\*\/\s*export const (\w+) = (?:elements|rows)\(/gs)) {
      for (const tag of ['@param', '@option', '@edge', '@throws', '@others', '@example', '∂ℓ/∂']) {
        expect(comment, `${tag} of ${loss}`).toContain(tag)
      }
    }
  })
})
