import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { evaluate } from '../../lib/evaluate/evaluate.ts'
import { about } from '../../lib/evaluate/page/about.ts'
import { reportPage } from '../../lib/evaluate/page/report-page.ts'
import type { Plan } from '../../lib/evaluate/plan.ts'
import type { Report } from '../../lib/evaluate/report.ts'
import type { Source } from '../../lib/evaluate/source.ts'
import { testFolder } from './files.ts'
import { type MemoryColumn, memorySource } from './memory-source.ts'

const folder = testFolder()
const rows = 20_000
const random = (i: number): number => (((Math.sin(i * 12.9898) * 43758.5453) % 1) + 1) % 1
const evil = '<script>alert(1)</script> & "a very long name of a segment that does not fit"'
const names = ['north', 'south', 'east', 'west', evil]

const file = { name: '/data/predictions.parquet', size: 123_456_789, sha256: 'ab'.repeat(32) }
const everything = { by: 'segment', quantiles: true, worst: 10, classification: true } as const

function grouped(columns: readonly MemoryColumn[]): Source {
  const inner = memorySource(columns, [rows])
  return {
    ...inner,
    async *[Symbol.asyncIterator]() {
      const ids = Int32Array.from({ length: rows }, (_, i) => Math.floor(5 * random(i + 0.7)))
      for await (const batch of inner) yield { ...batch, groups: { ids, names } }
    },
  }
}

async function page(plan: Plan, columns: readonly MemoryColumn[]): Promise<[string, Report]> {
  const report = await evaluate(grouped(columns), plan)
  return [await reportPage(report, about([file], { pred: 'score', target: 'label' }, plan)), report]
}

/** A classifier that is too sure of itself. */
const binary: readonly MemoryColumn[] = (() => {
  const data = Float64Array.from({ length: rows }, (_, i) => 6 * (random(i) - 0.5))
  const label = (x: number, i: number) => Number(random(i + 0.3) < 1 / (1 + Math.exp(-0.6 * x)))
  return [
    { name: 'x', data },
    { name: 't', data: Uint8Array.from(data, label) },
  ]
})()

const classes: readonly MemoryColumn[] = (() => {
  const labels = Int32Array.from({ length: rows }, (_, i) => Math.floor(4 * random(i + 0.1)))
  const data = Float32Array.from({ length: 4 * rows }, (_, i) => {
    return 3 * random(i) + (labels[i >> 2] === i % 4 ? 1.2 : 0)
  })
  return [
    { name: 'z', data, rowShape: [4] },
    { name: 'y', data: labels },
  ]
})()

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
const isThere = existsSync(executablePath)
if (!isThere) console.log(`No browser tests of the report: there is no ${executablePath}. Set CHROMIUM.`)

const settings = [
  ['desktop', 'light', 1280, 900],
  ['desktop', 'dark', 1280, 900],
  ['phone', 'light', 390, 844],
  ['phone', 'dark', 390, 844],
] as const

interface Drawn {
  readonly width: number
  readonly height: number
  readonly fill: string
}

/** What can be seen of the elements that a selector finds. */
function drawn(tab: Page, selector: string): Promise<Drawn[]> {
  return tab.evaluate(`[...document.querySelectorAll('${selector}')]
    .filter(element => element.checkVisibility())
    .map(element => ({ element, box: element.getBoundingClientRect() }))
    .filter(({ box }) => box.width > 0 && box.height > 0)
    .map(({ element, box }) => ({ width: box.width, height: box.height, fill: getComputedStyle(element).fill }))`)
}

describe.skipIf(!isThere)('the report in a browser', () => {
  let browser: Browser
  const pages = new Map<string, [string, Report]>()

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
    const yesOrNo: Plan = {
      losses: [{ loss: 'bceWithLogits' }, { loss: 'sigmoidFocal', options: { gamma: 1 } }],
      ...everything,
    }
    pages.set('binary', await page(yesOrNo, binary))
    pages.set('classes', await page({ losses: [{ loss: 'crossEntropy' }], ...everything }, classes))
  })
  afterAll(() => browser.close())

  async function open(
    name: string,
    colorScheme: 'light' | 'dark',
    width: number,
    height: number,
    look: (page: Page, problems: string[]) => Promise<void>,
  ): Promise<void> {
    const context = await browser.newContext({ colorScheme, viewport: { width, height } })
    const tab = await context.newPage()
    const problems: string[] = []
    const path = folder.write(`${name}.html`, pages.get(name)?.[0] ?? '')
    tab.on('console', message => problems.push(message.text()))
    tab.on('pageerror', error => problems.push(String(error)))
    tab.on('request', request => {
      if (request.url() !== pathToFileURL(path).href) problems.push(request.url())
    })
    await tab.goto(pathToFileURL(path).href)
    const shots = process.env.LOSSKIT_SCREENSHOTS
    if (shots)
      await tab.screenshot({ path: join(shots, `${name}-${width}-${colorScheme}.png`), fullPage: true })
    await look(tab, problems)
    await context.close()
  }

  describe.each(['binary', 'classes'])('of %s', name => {
    it.each(settings)(
      'on a %s, %s: all there, nothing asked of a network, no sideways scrolling',
      async (...setting) => {
        const [, colorScheme, width, height] = setting
        await open(name, colorScheme, width, height, async (tab, problems) => {
          const text = await tab.locator('body').innerText()
          const report = pages.get(name)?.[1]
          for (const loss of report?.losses ?? []) {
            expect(text).toContain(String(loss.value))
            expect(text).toContain(loss.loss)
            for (const { row } of loss.worst ?? []) expect(text).toContain(String(row))
          }
          for (const words of [
            'Losses of rows',
            'By segment',
            'Worst rows',
            'Calibration',
            'Confusion',
            'The run',
          ]) {
            expect(text).toContain(words)
          }
          for (const words of [
            '20,000 rows',
            'predictions.parquet',
            '123 MB',
            file.sha256,
            report?.fingerprint,
          ]) {
            expect(text).toContain(words)
          }
          expect(await tab.title()).toBe('Losses of predictions.parquet')
          expect(problems).toEqual([])
          const [scroll, client] = await tab.evaluate<[number, number]>(
            '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
          )
          expect(scroll).toBe(client)
        })
      },
    )

    it.each(settings)('on a %s, %s: drawn bars and points that can be seen', async (...setting) => {
      const [, colorScheme, width, height] = setting
      await open(name, colorScheme, width, height, async tab => {
        // Of each loss the distribution and the groups, and of all together one reliability curve.
        const drawings = 2 * (pages.get(name)?.[1].losses.length ?? 0) + 1
        expect(await drawn(tab, 'figure svg')).toHaveLength(drawings)
        const bars = await drawn(tab, 'figure svg .mark-rect path')
        expect(bars.filter(bar => bar.width > 1 && bar.height > 1).length).toBeGreaterThan(20)
        const paper = await tab.evaluate<string>('getComputedStyle(document.body).backgroundColor')
        expect(paper).toBe(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(20, 23, 27)')
        const texts = await drawn(tab, 'figure svg text')
        expect(texts.length).toBeGreaterThan(10)
        for (const { fill } of [...bars, ...texts]) {
          expect(fill).not.toBe(paper)
          // None of the names of colours is left as a colour.
          expect(fill).not.toMatch(/^rgb\(0, 0, [0-9]\)$/)
        }
        for (const { height } of texts) expect(height).toBeGreaterThan(9)
      })
    })
  })
})

describe('the report', () => {
  it('writes names of the data as text, whatever they hold', async () => {
    const [text] = await page({ losses: [{ loss: 'bceWithLogits' }], by: 'segment' }, binary)
    expect(text).not.toContain('<script')
    expect(text).toContain('&#60;script&#62;alert(1)')
  })

  it('can be made of losses that are NaN or infinite, and of one row', async () => {
    for (const values of [[Number.NaN], [Number.POSITIVE_INFINITY], [0], [1, Number.NaN]]) {
      const source = memorySource(
        [
          { name: 'p', data: new Float64Array(values.length) },
          { name: 't', data: Float64Array.from(values) },
        ],
        [values.length],
      )
      const plan: Plan = { losses: [{ loss: 'mse' }], quantiles: true, worst: 3 }
      const text = await reportPage(await evaluate(source, plan), about([], {}, plan))
      expect(text).toContain('Losses of standard input')
      expect(text).not.toContain('undefined')
    }
  })
})
