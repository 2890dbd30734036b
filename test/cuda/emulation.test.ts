import { describe, expect, it } from 'vitest'
import { emulation, emulationOf, isLinux } from './programs.js'

// The rest of the tests of CUDA stands on this: that the emulated language does what CUDA says.
describe.skipIf(!isLinux)('the emulated language', () => {
  const orders = ['forwards', 'backwards']
  it.each(orders)('has barriers, clusters, shuffles and atomics, with threads that take turns %s', order => {
    const { lines } = emulation({ LOSSKIT_EMULATED_ORDER: order })
    expect(lines).toHaveLength(17)
    expect(lines.filter(line => !line.endsWith(': ok'))).toEqual([])
  })

  it.each([
    ['deadlock', 'wait for each other forever'],
    ['meetings', 'different kinds of meetings'],
    ['mask', 'not in the mask'],
    ['cluster', 'wait for each other forever'],
    ['stranger', 'the cluster has no such block'],
    ['trap', 'block 0, thread 70: __trap()'],
  ])('fails a launch by %s, and says so', (mistake, message) => {
    const { lines, errors } = emulationOf(mistake)
    expect(lines).toEqual(['719 cudaErrorLaunchFailure'])
    expect(errors).toContain(message)
  })
})
