import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as api from '../../lib/index.ts'
import { npy, npyHeader, testFolder } from '../evaluate/files.ts'
import { losskit, outcome, start } from './command.ts'

const folder = testFolder()
const cwd = folder.path
folder.write('data.csv', 'id,score,label\n1,1,1\n2,2,1\n3,3,1\n')
folder.write('logits.npy', npy(Float64Array.of(1, 2, 3, 1, 2, 3, 0, 0, 0), { shape: [3, 3] }))
folder.write('labels.npy', npy(BigInt64Array.of(2n, 0n, -100n)))

const csv = ['evaluate', 'data.csv', '--pred', 'score', '--target', 'label'] as const
const arrays = ['evaluate', '--pred', 'logits.npy', '--target', 'labels.npy'] as const

interface Json {
  readonly losses: readonly { loss: string; options: object; value: number | string; count: number }[]
  readonly rows: number
  readonly fingerprint: string
}

async function json(args: readonly string[], setting = {}): Promise<Json> {
  const { code, stdout, stderr } = await losskit([...args, '--json'], { cwd, ...setting })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout.indexOf('\n')).toBe(stdout.length - 1)
  return JSON.parse(stdout) as Json
}

describe('losskit evaluate', () => {
  it('prints a table on stdout and nothing on stderr', async () => {
    const { code, stdout, stderr } = await losskit(
      [...csv, '--loss', 'mse', '--loss', 'huber', '--delta', '2'],
      { cwd },
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/│ loss +│ +value +│ +count │/)
    expect(stdout).toMatch(/│ mse +│ 1\.6666666666666667 │ +3 │/)
    expect(stdout).toMatch(/│ huber \(delta 2\) +│ 0\.8333333333333334 │ +3 │/)
    expect(stdout).toMatch(/\n3 rows\n$/)
    expect(stdout).not.toContain('\x1b')
  })

  // Errors pred - target are 0, 1, 2.
  it('prints one JSON object with --json', async () => {
    const report = await json([...csv, '--loss', 'mse', '--loss', 'mae', '--loss', 'mbe'])
    expect(report).toEqual({
      losses: [
        { loss: 'mse', options: {}, value: 5 / 3, count: 3 },
        { loss: 'mae', options: {}, value: 1, count: 3 },
        { loss: 'mbe', options: {}, value: -1, count: 3 },
      ],
      rows: 3,
      fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  })

  // Labels 2 and 0 of the scores [1, 2, 3] cost 0.407605964 and 2.407605964; the third row is ignored.
  it.each([
    [[], {}, 1.407605964, 2],
    [['--weight', '1,2,3'], { weight: [1, 2, 3] }, 0.907605964, 2],
    [['--label-smoothing', '0.1'], { labelSmoothing: 0.1 }, 1.407605964, 2],
    [
      ['--weight', '1,2,3', '--label-smoothing', '0.1'],
      { weight: [1, 2, 3], labelSmoothing: 0.1 },
      0.924272631,
      2,
    ],
    [['--reduction', 'sum'], { reduction: 'sum' }, 2.815211929, 2],
    [['--ignore-index', '-100'], { ignoreIndex: -100 }, 1.407605964, 2],
  ] as const)('takes the options of crossEntropy: %j', async (flags, options, value, count) => {
    const { losses } = await json([...arrays, '--loss', 'crossEntropy', ...flags])
    expect(losses).toMatchObject([{ loss: 'crossEntropy', options, count }])
    expect(losses[0]?.value).toBeCloseTo(value, 8)
  })

  it('takes class weights from a .npy file', async () => {
    folder.write('weights.npy', npy(Float64Array.of(1, 2, 3)))
    const { losses } = await json([...arrays, '--loss', 'crossEntropy', '--weight', 'weights.npy'])
    expect(losses[0]?.value).toBeCloseTo(0.907605964, 8)
  })

  it('takes weights of rows from a column', async () => {
    folder.write('weighted.csv', 'p,t,w\n1,0,5\n2,0,1\n')
    const flags = ['--pred', 'p', '--target', 't', '--weight', 'w', '--loss', 'mse', '--reduction', 'sum']
    expect((await json(['evaluate', 'weighted.csv', ...flags])).losses[0]?.value).toBe(9)
  })

  // softplus(0) = log 2, counted three times for positive targets.
  it('takes --pos-weight, one for all or one per column', async () => {
    folder.write('multi.csv', 'z0,z1,t0,t1\n0,0,1,1\n')
    const flags = ['evaluate', 'multi.csv', '--pred', 'z*', '--target', 't*', '--loss', 'bceWithLogits']
    expect((await json([...flags, '--pos-weight', '3'])).losses[0]?.value).toBeCloseTo(3 * Math.LN2, 12)
    expect((await json([...flags, '--pos-weight', '3,1'])).losses[0]?.value).toBeCloseTo(2 * Math.LN2, 12)
  })

  it('reads logits from several CSV columns, with labels as numbers', async () => {
    folder.write('logits.csv', 'z0,z1,z2,y\n1,2,3,2\n1,2,3,0\n0,0,0,-100\n')
    const fromColumns = await json([
      'evaluate',
      'logits.csv',
      '--pred',
      'z*',
      '--target',
      'y',
      '--loss',
      'crossEntropy',
    ])
    expect(fromColumns.losses[0]?.value).toBeCloseTo(1.407605964, 8)
    const listed = await json([
      'evaluate',
      'logits.csv',
      '--pred',
      'z0,z1,z2',
      '--target',
      '3',
      '--loss',
      'crossEntropy',
    ])
    expect(listed).toEqual(fromColumns)
  })

  it('reads CSV from standard input', async () => {
    const input = 'p,t\n3,1\n'
    const report = await json(['evaluate', '-', '--pred', 'p', '--target', 't', '--loss', 'mse'], { input })
    expect(report.losses[0]).toMatchObject({ value: 4, count: 1 })
  })

  it('reads a file each, also of different formats', async () => {
    folder.write('y.csv', 'y\n2\n0\n-100\n')
    const report = await json([
      'evaluate',
      '--pred',
      'logits.npy',
      '--target',
      'y.csv',
      '--loss',
      'crossEntropy',
    ])
    expect(report).toEqual(await json([...arrays, '--loss', 'crossEntropy']))
  })

  it('reads CSV without a header, with another delimiter, in float32', async () => {
    folder.write('plain.txt', '0.1;0\n0.3;0\n')
    const flags = [
      '--no-header',
      '--delimiter',
      ';',
      '--dtype',
      'float32',
      '--pred',
      '0',
      '--target',
      '1',
      '--loss',
      'mse',
    ]
    const report = await json(['evaluate', 'plain.txt', ...flags])
    expect(report.losses[0]?.value).toBe(api.mse(Float32Array.of(0.1, 0.3), Float32Array.of(0, 0)))
  })

  it('writes NaN and infinities as strings', async () => {
    folder.write('nan.csv', 'p,t\nnan,0\n1,0\n')
    folder.write('inf.csv', 'p,t\n-inf,0\n1,0\n')
    const flags = ['--pred', 'p', '--target', 't', '--loss', 'mse', '--loss', 'mbe']
    expect((await json(['evaluate', 'nan.csv', ...flags])).losses.map(({ value }) => value)).toEqual([
      'NaN',
      'NaN',
    ])
    expect((await json(['evaluate', 'inf.csv', ...flags])).losses.map(({ value }) => value)).toEqual([
      'Infinity',
      'Infinity',
    ])
  })

  it('gives the bits of one call in memory for any --chunk-rows, with one fingerprint', async () => {
    const rows = 1000
    const scores = Float32Array.from({ length: rows * 7 }, (_, i) => Math.sin(i * 78.233) * 9)
    const labels = Uint8Array.from({ length: rows }, (_, i) => (i * 5) % 7)
    folder.write('scores.npy', npy(scores, { shape: [rows, 7] }))
    folder.write('classes.npy', npy(labels))
    const data = { data: scores, shape: [rows, 7] }
    const expected = [api.crossEntropy(data, labels), api.nll(data, labels)]
    const flags = [
      'evaluate',
      '--pred',
      'scores.npy',
      '--target',
      'classes.npy',
      '--loss',
      'crossEntropy',
      '--loss',
      'nll',
    ]
    const reports: Json[] = []
    for (const chunk of [
      [],
      ['--chunk-rows', '1'],
      ['--chunk-rows', '7'],
      ['--chunk-rows', '999'],
      ['--chunk-rows', '1000000000000'],
    ]) {
      reports.push(await json([...flags, ...chunk]))
    }
    for (const report of reports) {
      expect(report.losses.map(({ value }) => value)).toEqual(expected)
      expect(report).toEqual(reports[0])
    }
  })
})

describe('exit code 1', () => {
  it('says that a loss is above its threshold, after the report', async () => {
    const { code, stdout, stderr } = await losskit(
      [
        ...csv,
        '--loss',
        'mse',
        '--loss',
        'mae',
        '--fail-above',
        'mse=1.5',
        '--fail-above',
        'mae=1',
        '--json',
      ],
      { cwd },
    )
    expect(code).toBe(1)
    expect(stderr).toBe(
      'losskit: ERR_THRESHOLD: mse is 1.6666666666666667, not at most 1.5 as --fail-above asks.\n',
    )
    expect((JSON.parse(stdout) as Json).losses).toHaveLength(2)
  })

  it('says so for NaN, which is not below anything', async () => {
    folder.write('nan2.csv', 'p,t\nnan,0\n')
    const flags = ['--pred', 'p', '--target', 't', '--loss', 'mse', '--fail-above', 'mse=inf']
    expect((await losskit(['evaluate', 'nan2.csv', ...flags], { cwd })).code).toBe(1)
  })
})

/** An error is one line on stderr: the code, then what is wrong; no stack, and nothing on stdout. */
async function fails(args: readonly string[], code: number, message: string, setting = {}): Promise<void> {
  const result = await losskit(args, { cwd, ...setting })
  expect(result.stderr).toContain(message)
  expect(result.stderr).toMatch(/^losskit: ERR_[A-Z]+: [^\n]+\n$/)
  expect(result).toMatchObject({ code, stdout: '' })
}

describe('exit code 2, usage', () => {
  it.each([
    [[...csv], "ERR_USAGE: required option '--loss <name>' not specified"],
    [['evaluate', '--target', 'y', '--loss', 'mse'], "required option '--pred <column|file>' not specified"],
    [[...csv, '--loss', 'rmsee'], "argument 'rmsee' is invalid. The losses are "],
    [[...csv, '--loss', 'cross-entropy'], 'Did you mean crossEntropy?'],
    [[...csv, '--loss', 'mse', '--loss', 'mse'], 'It is given twice.'],
    [[...csv, '--loss', 'mse', '--delta', '2'], '--delta is for huber, and mse takes no such option.'],
    [[...csv, '--loss', 'mse', '--ignore-index', '1'], '--ignore-index is for crossEntropy and nll'],
    [[...csv, '--loss', 'huber', '--delta', '0'], 'It must be a finite number above 0.'],
    [[...csv, '--loss', 'huber', '--delta', 'big'], 'It must be a finite number above 0.'],
    [[...arrays, '--loss', 'crossEntropy', '--ignore-index', '1.5'], 'It must be a whole number.'],
    [[...arrays, '--loss', 'crossEntropy', '--label-smoothing', '2'], 'It must be a number from 0 to 1.'],
    [
      [...arrays, '--loss', 'crossEntropy', '--weight', 'labels'],
      'must be numbers with commas between, or a .npy file',
    ],
    [[...csv, '--loss', 'mse', '--loss', 'nll', '--weight', '1'], '--weight means weights of classes to nll'],
    [[...csv, '--loss', 'mse', '--reduction', 'none'], 'Allowed choices are mean, sum.'],
    [[...csv, '--loss', 'mse', '--chunk-rows', '0'], 'It must be a whole number from 1 on.'],
    [[...csv, '--loss', 'mse', '--fail-above', 'mse'], 'It must be LOSS=NUMBER, for example bce=0.5.'],
    [[...csv, '--loss', 'mse', '--fail-above', 'mse=nan'], 'It must be LOSS=NUMBER'],
    [[...csv, '--loss', 'mse', '--fail-above', 'mae=1'], '--fail-above mae=… needs --loss mae.'],
    [[...csv, '--loss', 'mse', '--delimiter', ';;'], 'must be one character'],
    [
      [...arrays, '--loss', 'crossEntropy', '--no-header'],
      '--no-header is for CSV files, and none is given.',
    ],
    [
      ['evaluate', 'logits.npy', '--pred', '0', '--target', '1', '--loss', 'mse'],
      'a .npy file has no columns',
    ],
    [[...csv, '--loss', 'mse', '--losses', 'mae'], "unknown option '--losses' (Did you mean --loss?)"],
    [['evaluate', 'a.csv', 'b.csv', '--pred', 'p', '--target', 't', '--loss', 'mse'], 'too many arguments'],
    [['evalute'], "unknown command 'evalute' (Did you mean evaluate?)"],
  ] as const)('%j', async (args, message) => {
    await fails(args, 2, message)
  })
})

describe('exit code 3, data', () => {
  it.each([
    [
      ['evaluate', 'none.csv', '--pred', 'p', '--target', 't', '--loss', 'mse'],
      'ERR_FILE: none.csv: cannot be read: there is no such file.',
    ],
    [
      ['evaluate', '--pred', 'none.npy', '--target', 'labels.npy', '--loss', 'mse'],
      'ERR_FILE: none.npy: cannot be read: there is no such file.',
    ],
    [
      ['evaluate', 'data.csv', '--pred', 'scores', '--target', 'label', '--loss', 'mse'],
      'ERR_DATA: data.csv: there is no column "scores". It has "id", "score", "label".',
    ],
    [[...arrays, '--loss', 'mse'], 'ERR_DATA: logits.npy has shape (3, 3), labels.npy has shape (3,).'],
    [[...csv, '--loss', 'crossEntropy'], 'takes predictions of shape (rows, classes)'],
    [
      [...csv, '--loss', 'bce'],
      'ERR_DATA: data.csv, column "score": line 3: bce: pred is 2. A probability must lie in [0, 1].',
    ],
    [
      [...arrays, '--loss', 'crossEntropy', '--ignore-index', '1'],
      'ERR_DATA: labels.npy: row 2: crossEntropy: target is -100.',
    ],
    [[...arrays, '--loss', 'crossEntropy', '--weight', '1,2'], 'ERR_SHAPE: crossEntropy: weight has'],
  ] as const)('%j', async (args, message) => {
    await fails(args, 3, message)
  })

  it.each([
    ['p,t\n1,2\nx,3\n', 'bad.csv: line 3, column "p": "x" is not a number.'],
    ['p,t\n1,2\n,3\n', 'bad.csv: line 3, column "p" is empty.'],
    ['p,t\n', 'there are no rows to evaluate.'],
    ['', 'bad.csv: is empty.'],
  ])('%j', async (text, message) => {
    folder.write('bad.csv', text)
    await fails(['evaluate', 'bad.csv', '--pred', 'p', '--target', 't', '--loss', 'mse'], 3, message)
  })

  it('for files with different numbers of rows', async () => {
    folder.write('four.npy', npy(Int32Array.of(0, 1, 2, 0)))
    folder.write('four.csv', 'y\n0\n1\n2\n0\n')
    const pred = ['evaluate', '--pred', 'logits.npy', '--loss', 'crossEntropy', '--target']
    await fails(
      [...pred, 'four.npy'],
      3,
      'logits.npy has 3 rows (shape (3, 3)), four.npy has 4 rows (shape (4,)).',
    )
    await fails([...pred, 'four.csv'], 3, 'logits.npy ends after 3 rows, four.csv has more.')
  })

  it('for a label that is no whole number', async () => {
    folder.write('half.npy', npy(Float64Array.of(0, 1.5, 2)))
    await fails(
      ['evaluate', '--pred', 'logits.npy', '--target', 'half.npy', '--loss', 'crossEntropy'],
      3,
      'half.npy: row 1: 1.5 is not a class label.',
    )
  })

  it('for a backend that is not there', async () => {
    await fails([...csv, '--loss', 'mse'], 3, 'ERR_BACKEND: mse: ', { env: { LOSSKIT_BACKEND: 'cuda' } })
  })

  it('for a native file that cannot be loaded', async () => {
    const env = { LOSSKIT_BINARY: join(cwd, 'none.node') }
    await fails([...csv, '--loss', 'mse'], 3, 'ERR_LOAD: losskit: cannot load the native addon', { env })
  })
})

describe('exit code 130', () => {
  it('after Ctrl-C, with one line on stderr', async () => {
    const child = start(['evaluate', '-', '--pred', 'p', '--target', 't', '--loss', 'mse'], { cwd })
    const ended = outcome(child)
    // More than a pipe holds: when it is all taken, the command is reading.
    await new Promise<void>(resolve => child.stdin?.write(`p,t\n${'1,2\n'.repeat(200_000)}`, () => resolve()))
    child.kill('SIGINT')
    expect(await ended).toEqual({
      code: 130,
      signal: null,
      stdout: '',
      stderr: 'losskit: ERR_INTERRUPTED: interrupted.\n',
    })
  })
})

describe('a reader that leaves', () => {
  it('is no error', async () => {
    const child = start([...csv, '--loss', 'mse'], { cwd })
    child.stdin?.end()
    child.stdout?.destroy()
    expect(await outcome(child)).toMatchObject({ code: 0, signal: null, stderr: '' })
  })
})

describe('memory', () => {
  const printPeak = 'process.on("exit", () => console.error(process.resourceUsage().maxRSS))'
  const node = ['--import', `data:text/javascript,${encodeURIComponent(printPeak)}`]

  /** A file of zeros that takes no space on the disk. */
  function sparse(name: string, descr: string, shape: readonly number[], bytes: number): string {
    const header = npyHeader({ descr, shape })
    const fd = openSync(join(cwd, name), 'w')
    writeSync(fd, header)
    ftruncateSync(fd, header.length + bytes)
    closeSync(fd)
    return name
  }

  async function peakKib(args: readonly string[]): Promise<{ peak: number; report: Json }> {
    const { code, stdout, stderr } = await losskit([...args, '--json'], { cwd, node })
    expect(code).toBe(0)
    return { peak: Number(stderr), report: JSON.parse(stdout) as Json }
  }

  it('does not grow with the files', async () => {
    const rows = 80_000_000
    sparse('small-p.npy', '<f4', [1000], 4000)
    sparse('small-t.npy', '<f4', [1000], 4000)
    sparse('large-p.npy', '<f4', [rows], rows * 4)
    sparse('large-t.npy', '<f4', [rows], rows * 4)
    const flags = ['--loss', 'mse', '--loss', 'bceWithLogits']
    const small = await peakKib(['evaluate', '--pred', 'small-p.npy', '--target', 'small-t.npy', ...flags])
    const large = await peakKib(['evaluate', '--pred', 'large-p.npy', '--target', 'large-t.npy', ...flags])
    expect(large.report).toMatchObject({ rows, losses: [{ value: 0, count: rows }, { count: rows }] })
    expect(large.report.losses[1]?.value).toBeCloseTo(Math.LN2, 6)
    // Two files of 320 MB through two buffers of 4 MiB each.
    expect(large.peak - small.peak).toBeLessThan(64 * 1024)
  })

  it('does not grow with a single row, either', async () => {
    const numbers = 80_000_000
    sparse('row-p.npy', '<f4', [1, numbers], numbers * 4)
    sparse('row-t.npy', '|u1', [1, numbers], numbers)
    const { peak, report } = await peakKib([
      'evaluate',
      '--pred',
      'row-p.npy',
      '--target',
      'row-t.npy',
      '--loss',
      'mae',
    ])
    expect(report).toMatchObject({ rows: 1, losses: [{ value: 0, count: numbers }] })
    expect(peak).toBeLessThan(200 * 1024)
  })
})
