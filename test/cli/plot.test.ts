import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testFolder } from '../evaluate/files.ts'
import { losskit } from './command.ts'

const { path: cwd } = testFolder()

async function plot(args: string): Promise<string> {
  const { code, stdout, stderr } = await losskit(['plot', ...args.split(' '), '-o', 'out.svg'], { cwd })
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' })
  return readFileSync(join(cwd, 'out.svg'), 'utf8')
}

/** The lines of a picture: points in pixels, from the left and from above. */
function linesOf(svg: string): [number, number][][] {
  const paths = [...svg.matchAll(/<path [^>]*aria-roledescription="line mark" d="M([^"]*)"/g)]
  return paths.map(([, points = '']) =>
    points.split('L').map(point => point.split(',').map(Number) as [number, number]),
  )
}

const texts = (svg: string) => [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text]) => text)

describe('losskit plot', () => {
  it('draws a curve for each value of an option', async () => {
    const svg = await plot('sigmoidFocal --gamma 0,0.5,1,2,5')
    expect(linesOf(svg)).toHaveLength(5)
    expect(texts(svg)).toEqual(
      expect.arrayContaining([
        'sigmoidFocal, target 1',
        'gamma 0',
        'gamma 0.5',
        'gamma 1',
        'gamma 2',
        'gamma 5',
      ]),
    )
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/)
  })

  it('draws losses beside each other, to one scale', async () => {
    const [mse = [], mae = [], huber = [], other = []] = linesOf(await plot('mse mae huber --delta 2,4'))
    // From -4 to 4 the picture is 560 pixels wide; the largest value, 16, is 340 pixels above 0.
    const at = (line: [number, number][], x: number) => (340 - (line[(x + 4) * 50]?.[1] ?? 0)) / (340 / 16)
    for (const line of [mse, mae, huber, other]) {
      expect(line.map(([x]) => x)).toEqual(Array.from({ length: 401 }, (_, i) => expect.closeTo(1.4 * i, 2)))
    }
    for (const x of [-4, -1, 0, 0.5, 3]) {
      expect(at(mse, x)).toBeCloseTo(x * x, 2)
      expect(at(mae, x)).toBeCloseTo(Math.abs(x), 2)
      expect(at(huber, x)).toBeCloseTo(Math.abs(x) < 2 ? (x * x) / 2 : 2 * (Math.abs(x) - 1), 2)
      expect(at(other, x)).toBeCloseTo((x * x) / 2, 2)
    }
  })

  it('draws derivatives with --grad', async () => {
    const svg = await plot('mse --grad --target 1 --from 0 --to 2')
    const [line = []] = linesOf(svg)
    // From -2 to 2: a straight line from corner to corner.
    for (const [x, y] of line) expect(y).toBeCloseTo(340 - (340 * x) / 560, 1)
    expect(texts(svg)).toEqual(expect.arrayContaining(['mse, target 1', 'derivative']))
  })

  it('leaves out what is infinite', async () => {
    const [line = []] = linesOf(await plot('poissonNll --log-input false --eps 0 --from 0 --to 2'))
    expect(line).toHaveLength(400)
  })

  it.each([
    ['nothing -o out.svg', 2, 'nothing cannot be drawn. The losses are bce, '],
    ['rmse -o out.svg', 2, 'rmse cannot be drawn. The losses are bce, '],
    ['crossEntropy -o out.svg', 2, 'crossEntropy cannot be drawn.'],
    ['mse', 2, "required option '-o, --output <file.svg>' not specified"],
    ['mse -o out.png', 2, '--output out.png must end in .svg.'],
    ['mse --gamma 1 -o out.svg', 2, '--gamma is for sigmoidFocal'],
    ['huber --delta 1,-1 -o out.svg', 2, "argument '1,-1' is invalid. It must be a finite number above 0."],
    ['huber --delta 1,,2 -o out.svg', 2, "argument '1,,2' is invalid."],
    ['mse --from 2 --to 1 -o out.svg', 2, '--from 2 must be less than --to 1.'],
    ['bce --from -1 -o out.svg', 2, 'bce: pred is -1. A probability must lie in [0, 1].'],
    ['klDiv --target -1 -o out.svg', 2, 'klDiv is not finite anywhere from -4 to 0 with target -1.'],
    ['mse -o no/such/folder.svg', 3, 'no/such/folder.svg: cannot be written: there is no such file.'],
  ])('refuses %s', async (args, code, message) => {
    const folder = testFolder().path
    const outcome = await losskit(['plot', ...args.split(' ')], { cwd: folder })
    expect(outcome).toMatchObject({ code, stdout: '' })
    expect(outcome.stderr).toContain(message)
    expect(outcome.stderr.trimEnd()).not.toContain('\n')
    expect(readdirSync(folder)).toEqual([])
  })

  it('says what to install where the packages that draw are not', async () => {
    const hide = join(cwd, 'hide.mjs')
    writeFileSync(
      hide,
      `import { register } from 'node:module'
       register('data:text/javascript,' + encodeURIComponent(\`export function resolve(name, context, next) {
         if (name === 'vega') throw Object.assign(new Error("Cannot find package 'vega'"), { code: 'ERR_MODULE_NOT_FOUND' })
         return next(name, context)
       }\`))`,
    )
    const outcome = await losskit(['plot', 'mse', '-o', 'none.svg'], { cwd, node: ['--import', hide] })
    expect(outcome).toMatchObject({
      code: 3,
      stderr: 'losskit: ERR_PEER: Pictures of losses need the package vega: npm install vega\n',
    })
    expect(existsSync(join(cwd, 'none.svg'))).toBe(false)
  })
})
