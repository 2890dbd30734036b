import { pythonPeer } from './python.mjs'

/** @param {import('./contender.mjs').Surroundings} surroundings @returns {Promise<import('./contender.mjs').Contender>} */
export async function load({ folder }) {
  const { hello, prepare, close } = await pythonPeer('torch_peer.py', folder)
  return {
    name: 'PyTorch',
    version: hello.version,
    note: `${hello.threads} threads, in a process of its own, BLAS ${hello.blas}, int64 labels; the gradient by backward()`,
    prepare,
    close,
  }
}
