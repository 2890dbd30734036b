/**
 * A worker in a process of its own, which says by messages what it does. It can be told to end itself at a certain point:
 * `{ on: 'progress', signal: 'SIGKILL' }`, after so many shards.
 */

import { work } from 'losskit/bullmq'

const { trap, ...options } = JSON.parse(process.argv[2])
let shards = 0

const worker = await work({
  ...options,
  onEvent(event) {
    process.send?.(event)
    if (event.type === 'started') shards++
    if (trap?.on === event.type && shards >= (trap.after ?? 0) && isMidway(event)) {
      trap.on = undefined
      // The message must be out before the process is stopped.
      process.kill(process.pid, trap.signal)
    }
  },
})

process.on('message', async ({ stop }) => {
  await worker.stop(stop)
  process.disconnect()
})

function isMidway({ type, rows, of }) {
  return type !== 'progress' || (rows >= of / 3 && rows < of)
}
