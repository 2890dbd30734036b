import { ofMachine } from './find.mjs'
import { colours, toSvg } from './vega.mjs'

/**
 * How much of the machine's own speed each library reaches beyond the caches, where memory is the limit.
 *
 * @typedef {import('../run-case.mjs').CaseResult} CaseResult
 */

const shown = ['losskit', 'PyTorch', 'onnxruntime']
/** The last lies on top. */
const drawn = shown.toReversed()
const fewest = 2 ** 22

/** @param {CaseResult[]} results */
const points = results =>
  results
    .filter(({ elements, flop, driver }) => elements >= fewest && !flop && driver !== 'sequences')
    .flatMap(result =>
      drawn.map(contender => ({
        contender,
        form: result.form === 'value' ? 'value' : 'value and gradient',
        case: [
          result.loss,
          ...(result.dtype === 'float32' ? [] : [result.dtype]),
          result.size,
          ...(result.form === 'in place' ? ['in place'] : []),
        ].join(' '),
        share: ofMachine(result, contender),
      })),
    )
    .filter(({ share }) => share !== undefined)

/** @param {ReturnType<typeof points>} values @param {string} title */
const specification = (values, title) => ({
  title,
  data: { values },
  facet: { field: 'form', type: 'nominal', title: null, sort: ['value', 'value and gradient'] },
  columns: 2,
  spacing: 220,
  bounds: 'flush',
  resolve: { scale: { y: 'independent' }, axis: { x: 'independent', y: 'independent' } },
  spec: {
    width: 320,
    height: { step: 17 },
    layer: [
      {
        data: { values: [{ limit: 1 }] },
        mark: { type: 'rule', strokeDash: [5, 3], strokeWidth: 2, color: '#8a8a8a' },
        encoding: { x: { field: 'limit', type: 'quantitative' } },
      },
      {
        mark: { type: 'point', filled: true, size: 62, opacity: 0.95 },
        encoding: {
          y: {
            field: 'case',
            type: 'nominal',
            sort: null,
            axis: { title: null, labelLimit: 0, grid: true, ticks: false, domain: false },
          },
          color: {
            field: 'contender',
            type: 'nominal',
            scale: { domain: shown, range: shown.map(name => colours[name]) },
          },
        },
      },
    ],
    encoding: {
      x: {
        field: 'share',
        type: 'quantitative',
        scale: { domainMin: 0 },
        axis: { title: "share of the machine's own speed", format: '.0%', tickCount: 6 },
      },
    },
  },
})

/** @param {CaseResult[]} results @param {string} machine @returns {Promise<string | undefined>} */
export async function shares(results, machine) {
  const values = points(results)
  return values.length > 0
    ? toSvg(specification(values, `Of the machine's own speed: ${machine}`))
    : undefined
}
