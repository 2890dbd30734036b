import type { ReliabilityBin } from '../tally/classification.ts'
import type { GroupReport } from '../tally/group-sums.ts'
import type { Bar } from '../tally/histogram.ts'
import type { Drawing } from './draw.ts'
import { short } from './numbers.ts'
import { ink } from './theme.ts'

export interface Mark {
  readonly name: string
  readonly value: number
}

const height = 190

/** How the losses of rows are distributed, with a few values marked above. */
export function distribution(bars: readonly Bar[], marks: readonly Mark[]): Drawing {
  const [from, to] = [bars[0]?.from ?? 0, bars.at(-1)?.to ?? 1]
  const inside = marks.filter(({ value }) => value >= from && value <= to).sort((a, b) => a.value - b.value)
  return width => ({
    width: width - 50,
    height,
    layer: [
      {
        data: { values: bars.map(bar => ({ ...bar })) },
        mark: { type: 'bar', fill: ink.soft, binSpacing: 1 },
        encoding: {
          x: {
            field: 'from',
            type: 'quantitative',
            bin: { binned: true },
            scale: { domain: [from, to], nice: false, zero: false },
            axis: { title: 'loss of a row', grid: false, tickCount: width > 400 ? 8 : 4 },
          },
          x2: { field: 'to' },
          y: {
            field: 'count',
            type: 'quantitative',
            axis: { title: null, tickCount: 4, domain: false, ticks: false, format: '~s' },
          },
        },
      },
      ...inside.flatMap((mark, i) => flag(mark, 16 * i, mark.value > from + 0.65 * (to - from))),
    ],
  })
}

/** A line at a value and its name beside the top of it. Each begins lower than the one before: no line crosses a name. */
function flag(mark: Mark, top: number, isLate: boolean) {
  const data = { values: [{ ...mark }] }
  const x = { field: 'value', type: 'quantitative' } as const
  const side = isLate ? ({ align: 'right', dx: -5 } as const) : ({ align: 'left', dx: 5 } as const)
  return [
    {
      data,
      mark: { type: 'rule', stroke: ink.text, strokeWidth: 1.5 } as const,
      encoding: { x, y: { value: top }, y2: { value: height } },
    },
    {
      data,
      mark: { type: 'text', ...side, y: top + 6, fill: ink.text } as const,
      encoding: { x, text: { field: 'name' } },
    },
  ]
}

/** The loss of each group, beside that of all, if it can be compared. */
export function groups(shown: readonly GroupReport[], all: number | undefined): Drawing {
  const values = shown.map(({ name, value }) => ({ name, value, label: short(value) }))
  return width => {
    const inner = width - (width > 400 ? 210 : 175)
    return {
      width: inner,
      height: { step: 24 },
      layer: [
        {
          data: { values },
          mark: { type: 'bar', fill: ink.soft, height: 16 },
          encoding: {
            y: {
              field: 'name',
              type: 'nominal',
              sort: null,
              axis: {
                title: null,
                ticks: false,
                domain: false,
                labelLimit: width > 400 ? 130 : 95,
                labelColor: ink.text,
              },
            },
            x: { field: 'value', type: 'quantitative', axis: null },
          },
        },
        {
          data: { values },
          mark: { type: 'text', align: 'right', fill: ink.text },
          encoding: {
            y: { field: 'name', type: 'nominal', sort: null },
            x: { value: inner + 66 },
            text: { field: 'label' },
          },
        },
        {
          data: { values: all === undefined ? [] : [{ all }] },
          mark: { type: 'rule', stroke: ink.text, strokeWidth: 1.5 },
          encoding: { x: { field: 'all', type: 'quantitative' } },
        },
      ],
    }
  }
}

/** What was predicted with a probability, and how often it came true: on the diagonal where the two agree. */
export function reliability(bins: readonly ReliabilityBin[]): Drawing {
  const values = bins.map(bin => ({ ...bin }))
  const axis = (title: string) => ({ title, tickCount: 5, format: '.1f' })
  return width => ({
    width: Math.min(width - 60, 340),
    height: Math.min(width - 60, 340),
    layer: [
      {
        data: {
          values: [
            { confidence: 0, accuracy: 0 },
            { confidence: 1, accuracy: 1 },
          ],
        },
        mark: { type: 'line', stroke: ink.quiet, strokeWidth: 1, strokeDash: [3, 4] },
        encoding: {
          x: { field: 'confidence', type: 'quantitative', axis: axis('predicted probability') },
          y: { field: 'accuracy', type: 'quantitative', axis: axis('came true') },
        },
      },
      {
        data: { values },
        mark: { type: 'line', stroke: ink.accent, strokeWidth: 2 },
        encoding: {
          x: { field: 'confidence', type: 'quantitative' },
          y: { field: 'accuracy', type: 'quantitative' },
        },
      },
      {
        data: { values },
        mark: { type: 'circle', fill: ink.accent, opacity: 1 },
        encoding: {
          x: { field: 'confidence', type: 'quantitative' },
          y: { field: 'accuracy', type: 'quantitative' },
          size: {
            field: 'count',
            type: 'quantitative',
            scale: { zero: true, range: [0, 160] },
            legend: null,
          },
        },
      },
    ],
  })
}
