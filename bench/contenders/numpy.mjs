import { pythonPeer } from './python.mjs'

/** @param {import('./contender.mjs').Surroundings} surroundings @returns {Promise<import('./contender.mjs').Contender>} */
export async function load({ folder }) {
  const { hello, prepare, close } = await pythonPeer('numpy_peer.py', folder)
  return {
    name: 'NumPy',
    version: hello.version,
    note: 'in a process of its own, whole-array expressions; threads only in matrix products',
    prepare,
    close,
  }
}
