import { median, ofMachine, ratio } from './report/find.mjs'
import { duration, none, percent, times } from './report/format.mjs'

/**
 * What the library must show, and whether it does. An aim holds for every case that it selects: the worst one is reported.
 *
 * @typedef {import('./run-case.mjs').CaseResult} CaseResult
 *
 * @typedef {object} Aim
 * @property {string} what
 * @property {(result: CaseResult) => boolean} of the cases that it is about
 * @property {(result: CaseResult) => number | undefined} measure
 * @property {number} [atLeast]
 * @property {number} [atMost]
 * @property {(value: number) => string} show
 */

const inMemory = 2 ** 22
const peers = { PyTorch: 'PyTorch', 'ONNX Runtime': 'onnxruntime' }

/** @param {string} loss @param {string} form @param {string} [dtype] */
const large = (loss, form, dtype = 'float32') => {
  return result =>
    result.loss === loss && result.form === form && result.dtype === dtype && result.elements >= inMemory
}

/** @param {string} what @param {Aim['of']} of @param {number} atLeast @returns {Aim} */
const speed = (what, of, atLeast) => ({
  what,
  of,
  measure: result => ofMachine(result),
  atLeast,
  show: percent,
})

/** @param {string} what @param {Aim['of']} of @param {keyof typeof peers} peer @param {number} atLeast @returns {Aim} */
const faster = (what, of, peer, atLeast) => ({
  what: `${what}: against ${peer}`,
  of,
  measure: result => ratio(result, peers[peer]),
  atLeast,
  show: times,
})

/** @param {string} what @param {string} loss @param {Aim['measure']} measure @param {number} atMost @returns {Aim} */
const call = (what, loss, measure, atMost) => ({
  what,
  of: result => result.loss === loss && result.elements === 16 && result.form === 'value',
  measure,
  atMost,
  show: duration,
})

/** @param {CaseResult} result */
const asyncOverSync = result => {
  const [waited, direct] = [median(result, 'async'), median(result, 'call')]
  return waited && direct ? waited - direct : undefined
}

const reading = { mse: 0.9, mae: 0.9, huber: 0.9, hinge: 0.9 }
const computing = { bceWithLogits: 0.85, logCosh: 0.85, sigmoidFocal: 0.85, klDiv: 0.85 }
const elements = { ...reading, ...computing }
const longRows = ['256×32000', '128×128256']
const shortRows = ['4096×10', '1024×1000']

/** @param {string} size @param {string} form */
const crossEntropy = (size, form) => result =>
  result.loss === 'crossEntropy' && result.dtype === 'float32' && result.size === size && result.form === form

/** @param {string} loss @param {string} form */
const inCaches = (loss, form) => result =>
  result.loss === loss &&
  result.form === form &&
  result.dtype === 'float32' &&
  result.elements >= 2 ** 16 &&
  result.elements <= 2 ** 20

/** @type {Aim[]} */
export const aims = [
  ...Object.entries(elements).map(([loss, share]) =>
    speed(`${loss}, value, of read speed`, large(loss, 'value'), share),
  ),
  ...Object.keys(elements).map(loss =>
    speed(`${loss}, value and gradient, of read and write speed`, large(loss, 'value+grad'), 0.85),
  ),
  ...['bfloat16', 'float16'].flatMap(dtype =>
    ['mse', 'bceWithLogits'].flatMap(loss => [
      speed(`${loss} ${dtype}, value, of its own limit`, large(loss, 'value', dtype), 0.8),
      speed(`${loss} ${dtype}, value and gradient, of its own limit`, large(loss, 'value+grad', dtype), 0.8),
    ]),
  ),
  ...longRows.flatMap(size => [
    speed(`crossEntropy ${size}, value, of read speed`, crossEntropy(size, 'value'), 0.85),
    speed(`crossEntropy ${size}, in place, of read and write speed`, crossEntropy(size, 'in place'), 0.8),
  ]),
  ...[...longRows, ...shortRows].flatMap(size =>
    ['value', 'in place'].flatMap(form => {
      const atLeast = longRows.includes(size) ? 5 : 3
      const what = `crossEntropy ${size}, ${form}`
      return [
        faster(what, crossEntropy(size, form), 'PyTorch', atLeast),
        faster(what, crossEntropy(size, form), 'ONNX Runtime', 3),
      ]
    }),
  ),
  faster('mse in the caches, value', inCaches('mse', 'value'), 'PyTorch', 1.5),
  faster('bceWithLogits in the caches, value', inCaches('bceWithLogits', 'value'), 'PyTorch', 5),
  ...['mse', 'bceWithLogits'].map(loss =>
    faster(`${loss} in the caches, value and gradient`, inCaches(loss, 'value+grad'), 'PyTorch', 3),
  ),
  ...Object.keys(elements).flatMap(loss => [
    faster(`${loss} beyond the caches, value`, large(loss, 'value'), 'PyTorch', 5),
    faster(`${loss} beyond the caches, value and gradient`, large(loss, 'value+grad'), 'PyTorch', 5),
  ]),
  ...['triplet', 'contrastive', 'giou', 'dice'].map(loss =>
    speed(`${loss}, value, of read speed`, large(loss, 'value'), 0.8),
  ),
  ...['value', 'value+grad'].map(form =>
    speed(
      `infoNce N=4096, D=256, ${form.replace('+grad', ' and gradients')}, of the machine's float32 peak`,
      result => result.loss === 'infoNce' && result.form === form,
      0.6,
    ),
  ),
  call('mse of 16 elements, one call', 'mse', result => median(result, 'call'), 250),
  call('mse of 16 elements, bound', 'mse', result => median(result, 'bound'), 30),
  call('mse of 16 elements, async over sync', 'mse', asyncOverSync, 10e3),
  {
    what: 'mse at 2^25, exact sum over a plain one in float64',
    of: result => result.name === 'mse 2^25 value',
    measure: result => ratio(result, 'losskit', 'plain sum'),
    atMost: 1.15,
    show: times,
  },
]

/** @param {Aim} aim @param {number} value as a share of the aim: 1 and more is met */
const merit = ({ atLeast, atMost }, value) =>
  atLeast ? value / atLeast : /** @type {number} */ (atMost) / value

/** @param {CaseResult[]} results */
export function judgeAims(results) {
  return aims.map(aim => {
    const measured = results
      .filter(aim.of)
      .map(result => ({ case: result.name, value: aim.measure(result) }))
      .filter(({ value }) => value !== undefined)
      .map(found => ({ ...found, merit: merit(aim, found.value) }))
      .sort((a, b) => a.merit - b.merit)
    const [worst] = measured
    const target = aim.atLeast ? `≥ ${aim.show(aim.atLeast)}` : `≤ ${aim.show(aim.atMost)}`
    return {
      aim: aim.what,
      target,
      measured: worst ? aim.show(worst.value) : none,
      value: worst?.value,
      case: worst?.case,
      met: worst ? worst.merit >= 1 : undefined,
    }
  })
}

/** @param {ReturnType<typeof judgeAims>} verdicts @returns {import('./report/tables.mjs').Sheet} */
export function aimsSheet(verdicts) {
  const known = verdicts.filter(({ met }) => met !== undefined)
  return {
    title: `Aims: ${known.filter(({ met }) => met).length} of ${known.length} met`,
    note: 'Of several cases the worst. Speeds are medians, as shares of what the machine does in the same rounds with the same arrays.',
    head: ['aim', 'target', 'measured', 'met', 'case'],
    rows: verdicts.map(({ aim, target, measured, met, case: name }) => [
      aim,
      target,
      measured,
      met === undefined ? 'not measured' : met ? 'yes' : 'no',
      name ?? none,
    ]),
  }
}
