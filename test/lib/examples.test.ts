import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as losskit from '../../lib/index.ts'
import { exportedLosses } from '../support/losses.ts'

const folder = new URL('../../lib/losses/', import.meta.url)

interface Example {
  readonly loss: string
  readonly code: string
  readonly result: string
}

/** The documentation of every exported constant of a file. */
function documented(text: string): { readonly comment: string; readonly name: string }[] {
  return [...text.matchAll(/(\/\*\*(?:[^*]|\*(?!\/))*\*\/)\s*export const (\w+)/g)].map(
    ([, comment, name]) => ({
      comment: comment as string,
      name: name as string,
    }),
  )
}

/** The `@example code  // result` lines of a file, each with the loss in whose documentation it stands. */
function examplesOf(text: string): Example[] {
  return documented(text).flatMap(({ comment, name }) =>
    [...comment.matchAll(/^ \* @example (.+?) {2}\/\/ (.+)$/gm)].map(([, code, result]) => ({
      loss: name,
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
    for (const loss of exportedLosses()) {
      const [owner] = loss.lossName.split('.')
      const codes = examples.filter(example => example.loss === owner).map(({ code }) => code)
      expect(codes, loss.lossName).toContainEqual(expect.stringMatching(`^${loss.lossName}\\(`))
      if (!('grad' in loss)) continue
      expect(codes, loss.lossName).toContainEqual(expect.stringMatching(`^${loss.lossName}\\.grad\\(`))
    }
  })

  it('has no example that this test does not see', () => {
    const written = texts.join('').match(/@example/g)?.length ?? 0
    expect(examples.length).toBe(written)
  })

  it('says the same things about every loss', () => {
    const all = texts.flatMap(documented).filter(({ name }) => names.includes(name))
    for (const { comment, name } of all) {
      for (const tag of ['@param', '@edge', '@throws', '@others', '@example']) {
        expect(comment, `${tag} of ${name}`).toContain(tag)
      }
    }
    for (const loss of exportedLosses()) {
      const comment = all.find(({ name }) => name === loss.lossName.split('.')[0])?.comment
      expect(comment, `the documentation of ${loss.lossName}`).toBeDefined()
      if ('grad' in loss) expect(comment, `gradient of ${loss.lossName}`).toContain('∂ℓ/∂')
    }
  })
})
