import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { emulated, hasDriver, hasReal, isLinux, library, real } from './programs.js'

const readelf = (...args: string[]) => execFileSync('readelf', ['--wide', ...args], { encoding: 'utf8' })

function exportsOf(path: string) {
  return readelf('--dyn-syms', path)
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .filter(
      ([number, , , , bind, , section]) =>
        /^\d+:$/.test(number ?? '') && bind !== 'LOCAL' && section !== 'UND',
    )
    .map(fields => fields[7])
}

const statusOf = (path: string, env?: Record<string, string>) => {
  const { lines } = library(path, 'status', env)
  const milliseconds = Number(lines.find(line => line.startsWith('milliseconds '))?.split(' ')[1])
  return { status: lines[1], milliseconds, codes: lines.slice(3) }
}

const refused = (error: string) =>
  ['create_stream', 'allocate_pinned', 'allocate_shared'].map(name => `${name}: ${error}`)

// By default only a machine with a GPU builds it.
describe.skipIf(!hasReal)('the library made by nvcc', () => {
  it('exports the function that gives the table, and nothing else', () => {
    expect(exportsOf(real)).toEqual(['losskit_cuda_library'])
  })

  it('needs nothing of CUDA to be opened', () => {
    const needed = [...readelf('--dynamic', real).matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name)
    expect(needed.filter(name => /cuda|nvidia/.test(name ?? ''))).toEqual([])
  })

  it('asks for no glibc that is newer than Node itself does', () => {
    const versions = [...readelf('--version-info', real).matchAll(/Name: GLIBC_2\.(\d+)/g)].map(([, n]) =>
      Number(n),
    )
    expect(versions.length).toBeGreaterThan(0)
    expect(Math.max(...versions)).toBeLessThanOrEqual(28)
  })

  it('has at most 8 MB', () => expect(statSync(real).size).toBeLessThanOrEqual(8e6))

  it.skipIf(hasDriver)('says in less than 5 ms that there is no driver', () => {
    // The first question opens the driver; of three processes, as another may take the processor meanwhile.
    const answers = [1, 2, 3].map(() => statusOf(real))
    for (const { status, codes } of answers) {
      expect(status).toMatch(/^code 35, driver 0, runtime 13\d\d\d, devices 0$/)
      expect(codes).toEqual(refused('35 cudaErrorInsufficientDriver'))
    }
    expect(Math.min(...answers.map(({ milliseconds }) => milliseconds))).toBeLessThan(5)
  })
})

describe.skipIf(!isLinux)('the library for an emulated device', () => {
  const of = (what: string, env?: Record<string, string>) => library(emulated, what, env)

  it('exports what the real one does, and its cuBLAS', () => {
    const others = exportsOf(emulated).filter(name => !name?.startsWith('cublasLt'))
    expect(others).toEqual(['losskit_cuda_library'])
  })

  it('has a device', () => {
    expect(statusOf(emulated).status).toBe('code 0, driver 13000, runtime 13000, devices 1')
  })

  it.each([
    ['no driver', { LOSSKIT_EMULATED_DRIVER: '0' }, 'code 35, driver 0', '35 cudaErrorInsufficientDriver'],
    [
      'an old driver',
      { LOSSKIT_EMULATED_DRIVER: '12000' },
      'code 35, driver 12000',
      '35 cudaErrorInsufficientDriver',
    ],
    ['no device', { LOSSKIT_EMULATED_DEVICES: '0' }, 'code 100, driver 13000', '100 cudaErrorNoDevice'],
  ])('does nothing where there is %s', (_, env, status, error) => {
    const answer = statusOf(emulated, env)
    expect(answer.status).toBe(`${status}, runtime 13000, devices 0`)
    expect(answer.codes).toEqual(refused(error))
  })

  it('describes its devices, and no others', () => {
    const { lines } = of('describe', { LOSSKIT_EMULATED_DEVICES: '2', LOSSKIT_EMULATED_MEMORY: '1000000' })
    expect(lines).toEqual([
      'Emulated device 0, 1000000 bytes',
      'Emulated device 1, 1000000 bytes',
      'describe: 101 cudaErrorInvalidDevice',
    ])
  })

  it('copies to the device, on it and back, and takes memory back in the order of the stream', () => {
    expect(of('round trip').lines).toEqual([
      '0 bytes differ',
      'pinned memory is of device -1',
      'release_pinned: 0 cudaSuccess',
    ])
  })

  it('makes a stream wait for an event of another, while whoever asks is told that it is not ready', () => {
    const { lines } = of('order', { LOSSKIT_EMULATED_DELAY: '20000' })
    expect(lines).toEqual(['not ready, then 0, and the byte is 42'])
  })

  it('keeps in its pool what was released until it is trimmed, and refuses more than the device has', () => {
    expect(of('pool', { LOSSKIT_EMULATED_MEMORY: '100000' }).lines).toEqual([
      'before: 0 used, 0 reserved, 100000 free',
      'allocated: 1000 used, 1000 reserved, 99000 free',
      'allocate too much: 2 cudaErrorMemoryAllocation',
      'release twice: 1 cudaErrorInvalidValue',
      'released: 0 used, 1000 reserved, 99000 free',
      'trimmed: 0 used, 0 reserved, 100000 free',
    ])
  })

  it('refuses memory and handles that are not, or no longer, there', () => {
    expect(of('misuse').lines).toEqual([
      'beyond the end: 1 cudaErrorInvalidValue',
      'after the release: 1 cudaErrorInvalidValue',
      'with a destroyed event: 400 cudaErrorInvalidResourceHandle',
      'on another device: 101 cudaErrorInvalidDevice',
    ])
  })

  it('finds out what was written beside memory', () => {
    const { lines, errors } = of('overrun')
    expect(lines).toEqual(['finish: 700 cudaErrorIllegalAddress'])
    expect(errors).toContain('written beside the memory')
  })

  it('goes on after a failure of one call', () => {
    expect(of('fault', { LOSSKIT_EMULATED_FAIL: '2@2' }).lines).toEqual([
      'copy: 0 cudaSuccess',
      'finish: 0 cudaSuccess',
      'copy: 2 cudaErrorMemoryAllocation',
      'finish: 0 cudaSuccess',
      'copy: 0 cudaSuccess',
      'finish: 0 cudaSuccess',
    ])
  })

  it('never works again after a failure of the device, which shows when the stream comes to it', () => {
    expect(of('fault', { LOSSKIT_EMULATED_FAIL: '700@2' }).lines).toEqual([
      'copy: 0 cudaSuccess',
      'finish: 0 cudaSuccess',
      'copy: 0 cudaSuccess',
      'finish: 700 cudaErrorIllegalAddress',
      'copy: 700 cudaErrorIllegalAddress',
      'finish: 700 cudaErrorIllegalAddress',
    ])
  })

  it('shares memory with another process', () => {
    expect(of('share').lines).toEqual([
      'in the same process: 201 cudaErrorDeviceUninitialized',
      'mapped twice at one place',
      'the second reads: from the first',
      'closed more often than opened: 1 cudaErrorInvalidValue',
      'the first reads: from the second',
      'release_shared: 0 cudaSuccess',
      'export what is released: 1 cudaErrorInvalidValue',
    ])
  })

  it('serves many threads at once', () => expect(of('crowd').lines).toEqual(['0 bytes left']))
})
