import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { WorkerEvent } from '../../lib/bullmq/index.ts'

const program = fileURLToPath(new URL('worker.mjs', import.meta.url))

export interface Trap {
  readonly on: WorkerEvent['type']
  readonly signal: 'SIGKILL' | 'SIGSTOP'
  /** Not before it has started so many shards. */
  readonly after?: number
}

export interface WorkerSetting {
  readonly url: string
  readonly queue: string
  readonly leaseSeconds?: number
  readonly trap?: Trap
}

/** A worker process and what it has said. */
export class WorkerProcess {
  readonly events: WorkerEvent[] = []
  readonly #child: ChildProcess
  readonly #exit: Promise<NodeJS.Signals | number | null>
  #stderr = ''
  #wake = () => {}

  constructor(setting: WorkerSetting) {
    this.#child = fork(program, [JSON.stringify({ leaseSeconds: 1, ...setting })], { silent: true })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.#child.on('message', event => {
      this.events.push(event as WorkerEvent)
      this.#wake()
    })
    this.#exit = new Promise(resolve => {
      this.#child.once('exit', (code, signal) => {
        this.#wake()
        resolve(signal ?? code)
      })
    })
  }

  /** The first event of a type, awaited. */
  async saw<T extends WorkerEvent['type']>(
    type: T,
    matches: (event: Extract<WorkerEvent, { type: T }>) => boolean = () => true,
  ): Promise<Extract<WorkerEvent, { type: T }>> {
    for (;;) {
      const found = this.of(type).find(matches)
      if (found !== undefined) return found
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`the worker ended before ${type}: ${this.#stderr}`)
      }
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  of<T extends WorkerEvent['type']>(type: T): Extract<WorkerEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<WorkerEvent, { type: T }> => event.type === type)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  get exit(): Promise<NodeJS.Signals | number | null> {
    return this.#exit
  }

  /** Stops it as a user would; a worker that is dead already may be stopped, too. */
  async stop(graceSeconds = 20): Promise<NodeJS.Signals | number | null> {
    if (this.#child.connected) this.#child.send({ stop: graceSeconds })
    return this.#exit
  }

  get stderr(): string {
    return this.#stderr
  }
}
