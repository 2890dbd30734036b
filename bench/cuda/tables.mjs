import { find, median, ratio } from '../report/find.mjs'
import { duration, none, percent, short } from '../report/format.mjs'

/**
 * What was measured on a device, as tables.
 *
 * @typedef {import('../report/tables.mjs').Sheet} Sheet
 */

const peers = ['PyTorch', 'torch.compile', 'Liger-Kernel']

/** @template T @param {T | undefined} value @param {(value: T) => string} format */
const orNone = (value, format) => (value === undefined ? none : format(value))

/** Large cases: what they take, as a share of what copying as many bytes would. @returns {Sheet} */
export const comparison = (results, copy) => ({
  title: 'losskit on the device',
  note:
    'GB/s: inputs read once and gradients written once. Of copy: that over the speed at which the device copies, measured before. ' +
    'Bar: the time to reach on an H100 80GB HBM3; published: what others were said to take there. × peer: how many times as long ' +
    'the peer takes, here, in the same rounds.',
  head: ['case', 'losskit', 'GB/s', 'of copy', 'bar', 'published', ...peers.map(peer => `× ${peer}`)],
  rows: results
    .filter(({ flops }) => flops === undefined)
    .filter(({ isSmall }, _, all) => !isSmall || all.every(({ isSmall }) => isSmall))
    .map(result => {
      const ns = median(result, 'losskit')
      const speed = result.bytes / ns
      return [
        result.name,
        duration(ns),
        short(speed),
        orNone(copy, ({ gigabytesPerSecond }) => percent(speed / gigabytesPerSecond)),
        orNone(result.bar, bar => `${bar} ms`),
        result.published ?? none,
        ...peers.map(peer => orNone(ratio(result, peer), short)),
      ]
    }),
})

/** Cases of large products. @returns {Sheet} */
export const products = results => ({
  title: 'Products of matrices',
  note:
    'Teraflops: of the products, all else for nothing. × GEMMs: how many times as long as the products alone take, by PyTorch in the ' +
    'same rounds; the bar is 1.08. Published: what others were said to take. × peer: how many times as long the peer takes.',
  head: ['case', 'losskit', 'TFLOP/s', 'GEMMs', '× GEMMs', 'published', ...peers.map(peer => `× ${peer}`)],
  rows: results
    .filter(({ flops }) => flops !== undefined)
    .map(result => {
      const ns = median(result, 'losskit')
      return [
        result.name,
        duration(ns),
        short(result.flops / ns / 1000),
        orNone(find(result, 'GEMMs'), ({ ns }) => duration(ns.median)),
        orNone(ratio(result, 'GEMMs'), share => short(1 / share)),
        result.published ?? none,
        ...peers.map(peer => orNone(ratio(result, peer), short)),
      ]
    }),
})

const spread = ({ median, mad }) => `${duration(median)} ±${((100 * mad) / median).toFixed(0)} %`

/** @returns {Sheet} */
export const times = results => ({
  title: 'Time per call',
  note: 'Median, ± median absolute deviation.',
  head: ['case', 'samples', 'losskit', ...peers],
  rows: results.map(result => [
    result.name,
    String(find(result, 'losskit').ns.samples),
    ...['losskit', ...peers].map(name => orNone(find(result, name), ({ ns }) => spread(ns))),
  ]),
})

/** Where launching is all that costs. @returns {Sheet} */
export const smallCalls = results => ({
  title: 'Small calls, time per call',
  note: 'Bound calls; calls that are checked each time; bound calls whose value is awaited, one after the other.',
  head: ['case', 'bound', 'call', 'each read', 'PyTorch'],
  rows: results
    .filter(({ isSmall }) => isSmall)
    .map(result => [
      result.name,
      ...['losskit', 'losskit, call', 'losskit, each read', 'PyTorch'].map(name =>
        orNone(find(result, name), ({ ns }) => spread(ns)),
      ),
    ]),
})
