import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A server of a test's own, in a folder and on a port of its own. */
export interface Server {
  readonly url: string
  /** Ends it without warning, as a crash does, and starts it again on the same data. */
  crashAndRestart(): Promise<void>
  stop(): Promise<void>
}

export interface Kind {
  readonly name: string
  /** Why it cannot be started here; undefined where it can. */
  readonly missing: string | undefined
  start(): Promise<Server>
}

const redisServer = ['redis-server', 'valkey-server'].map(name => find(name)).find(path => path !== undefined)

export const redis: Kind = {
  name: 'Redis',
  missing: redisServer === undefined ? 'there is no redis-server (apt-get install redis-server)' : undefined,
  async start() {
    const folder = mkdtempSync(join(tmpdir(), 'losskit-redis-'))
    const port = await freePort()
    const args = [
      '--port',
      `${port}`,
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'yes',
      '--appendfsync',
      'always',
    ]
    return serve(`redis://127.0.0.1:${port}`, port, folder, () =>
      spawn(redisServer ?? '', args, { stdio: 'ignore' }),
    )
  },
}

const postgresBin = postgresFolder()

export const postgres: Kind = {
  name: 'PostgreSQL',
  missing: postgresBin === undefined ? 'there is no initdb (apt-get install postgresql)' : undefined,
  async start() {
    const folder = mkdtempSync(join(tmpdir(), 'losskit-postgres-'))
    const port = await freePort()
    const user = unprivileged()
    if (user.uid !== undefined) chownSync(folder, user.uid, user.gid ?? user.uid)
    const data = join(folder, 'data')
    const bin = postgresBin ?? ''
    const setting = { ...user, stdio: 'ignore', cwd: folder } as const
    execFileSync(join(bin, 'initdb'), ['-D', data, '-A', 'trust', '-U', 'losskit', '--no-sync'], setting)
    const args = ['-D', data, '-p', `${port}`, '-k', folder, '-c', 'listen_addresses=127.0.0.1']
    return serve(`postgres://losskit@127.0.0.1:${port}/postgres`, port, folder, () =>
      spawn(join(bin, 'postgres'), args, setting),
    )
  },
}

async function serve(url: string, port: number, folder: string, run: () => ChildProcess): Promise<Server> {
  let child = await started(run, port)
  return {
    url,
    async crashAndRestart() {
      // PostgreSQL calls it an immediate shutdown: no checkpoint, and recovery when it starts.
      await ended(child, url.startsWith('postgres') ? 'SIGQUIT' : 'SIGKILL')
      child = await started(run, port)
    },
    async stop() {
      await ended(child, 'SIGKILL')
      await sleep(50)
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function started(run: () => ChildProcess, port: number): Promise<ChildProcess> {
  const child = run()
  let failed: Error | undefined
  child.on('error', error => {
    failed = error
  })
  for (let tries = 0; tries < 200; tries++) {
    if (failed !== undefined) throw failed
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`)
    if (await answers(port)) return child
    await sleep(50)
  }
  throw new Error('the server does not answer')
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  return new Promise(resolve => {
    child.once('exit', () => resolve())
    child.kill(signal)
  })
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

function find(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.map(folder => join(folder, name)).find(path => existsSync(path))
}

/** Debian keeps the server's programs out of the path. */
function postgresFolder(): string | undefined {
  const versions = '/usr/lib/postgresql'
  const found = existsSync(versions)
    ? readdirSync(versions).map(version => join(versions, version, 'bin'))
    : []
  const folders = [...found, ...(process.env.PATH ?? '').split(delimiter)]
  return folders.find(folder => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  for (const user of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map(flag =>
      spawnSync('id', [flag, user], { encoding: 'utf8' }).stdout.trim(),
    )
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) }
  }
  return {}
}
