/**
 * Runs the example of docs/cluster.md under a Slurm of its own: munged, slurmctld and slurmd on this machine, in a folder and
 * on ports of their own. The merged result must be what one process prints. Skips, and says why, where Slurm is not installed or
 * does not start: npm run test:slurm
 */

import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { cpus, hostname, tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const losskit = [process.execPath, join(root, 'dist/cli/main.js')]
const folder = mkdtempSync(join(tmpdir(), 'losskit-slurm-'))
const daemons = []

try {
  const missing = ['munged', 'slurmctld', 'slurmd'].filter(name => !existsSync(`/usr/sbin/${name}`))
  if (missing.length > 0) skip(`${missing.join(', ')} missing (apt-get install munge slurm-wlm)`)
  else if (userInfo().uid !== 0) skip('slurmd takes root')
  else await main()
} finally {
  for (const { child } of daemons.toReversed()) child.kill('SIGTERM')
  await Promise.all(daemons.map(({ ended }) => ended))
  rmSync(folder, { recursive: true, force: true })
}

async function main() {
  const env = await slurm()
  if (env === undefined) return
  const data = writeData()
  const question = [data, '--pred', 'p', '--target', 'y', '--loss', 'mse', '--loss', 'logCosh']
  const single = execFileSync(losskit[0], [losskit[1], 'evaluate', ...question, '--json'], {
    encoding: 'utf8',
  })
  const run = join(folder, 'run')
  const submit = join(root, 'examples/cluster/slurm/submit.sh')
  const setting = { env: { ...env, LOSSKIT: losskit.join(' ') }, encoding: 'utf8' }
  console.log(execFileSync(submit, ['33', run, ...question], setting).trim())
  const result = join(run, 'result.json')
  for (let seconds = 0; !existsSync(result); seconds++) {
    if (seconds > 180) throw new Error(`no result after 3 minutes:\n${execFileSync('squeue', setting)}`)
    await sleep(1000)
  }
  const merged = readFileSync(result, 'utf8')
  if (merged !== single) throw new Error(`Slurm: ${merged}one process: ${single}`)
  console.log(`passed: an array of 33 tasks has the bits of one process\n${merged.trim()}`)
}

/** The environment in which Slurm's commands find the daemons. */
async function slurm() {
  const socket = join(folder, 'munge.socket')
  const key = join(folder, 'munge.key')
  writeFileSync(key, randomBytes(128), { mode: 0o600 })
  daemon('munged', '--foreground', '--force', `--socket=${socket}`, `--key-file=${key}`, ...inFolder())
  const [controller, node] = [await freePort(), await freePort()]
  const conf = join(folder, 'slurm.conf')
  for (const name of ['state', 'spool']) mkdirSync(join(folder, name))
  writeFileSync(
    conf,
    `ClusterName=losskit
SlurmctldHost=${hostname()}(127.0.0.1)
SlurmctldPort=${controller}
SlurmdPort=${node}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=${socket}
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
SchedulerParameters=sched_interval=1
NodeName=${hostname()} NodeAddr=127.0.0.1 CPUs=${cpus().length} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`,
  )
  const env = { ...process.env, SLURM_CONF: conf }
  for (let tries = 0; tries < 50 && !existsSync(socket); tries++) await sleep(100)
  daemon('slurmctld', '-D', '-f', conf)
  daemon('slurmd', '-D', '-f', conf)
  for (let tries = 0; tries < 40; tries++) {
    await sleep(500)
    const state = output('sinfo', ['--noheader', '--format=%T'], env)
    if (/^(idle|mixed)$/m.test(state)) return env
  }
  skip(`Slurm does not start here:\n${daemons.map(({ name, log }) => `${name}: ${log.join('')}`).join('\n')}`)
  return undefined
}

function inFolder() {
  return ['log-file', 'pid-file', 'seed-file'].map(name => `--${name}=${join(folder, `munge.${name}`)}`)
}

function daemon(name, ...args) {
  const child = spawn(`/usr/sbin/${name}`, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const log = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', text => log.push(text))
  const ended = new Promise(resolve => child.on('exit', resolve))
  daemons.push({ name, child, ended, log })
}

function output(command, args, env) {
  try {
    return execFileSync(command, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return ''
  }
}

function writeData() {
  const lines = Array.from({ length: 20_000 }, (_, i) => `${Math.sin(i) * 10 ** (i % 9)},${Math.cos(i)}`)
  const path = join(folder, 'data.csv')
  writeFileSync(path, `p,y\n${lines.join('\n')}\n`)
  return path
}

function freePort() {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

function skip(reason) {
  console.log(`skipped: ${reason}`)
}
