import { expect, it } from 'vitest'
import { example, tableOf } from './example.ts'

it('flights: means of a million rows agree with those of DuckDB, and go on where its own overflow; files have the same bits', async () => {
  const stdout = await example('flights')
  expect(stdout).toContain('Delays of 1020487 flights')

  // The loss that asks for the mean is won by means, and so on, also for flights that the predictors have not seen.
  const best = Object.fromEntries(tableOf(stdout, 'loss').map(row => [row.loss, row.best]))
  expect(best).toMatchObject({
    'mse(p, delay)': 'mean',
    'mae(p, delay)': 'median',
    'quantileLoss(p, delay, 0.9)': 'upper tenth',
  })

  const checks = tableOf(stdout.slice(stdout.indexOf('The mean predictor')), 'loss')
  expect(checks).toHaveLength(5)
  for (const { loss, losskit, 'avg of DuckDB': own } of checks) {
    if (loss === 'logCosh(p, delay)')
      expect(own).toBe('Infinity') // cosh overflows beyond 710 minutes
    else expect(Math.abs(Number(losskit) / Number(own) - 1), loss).toBeLessThan(1e-11)
    expect(Number.isFinite(Number(losskit))).toBe(true)
  }
  expect(Number(checks[0]?.losskit)).toBeCloseTo(945.2184, 4)

  // DuckDB joins and adds in whatever order its threads come; the command reads a file in order, whole or in three shards.
  expect(stdout.match(/^\w+ +✓ every bit$/gm)).toHaveLength(5)
  for (const origin of ['ATL', 'DFW', 'ORD']) expect(stdout).toMatch(new RegExp(`│ ${origin} +│`))
})
