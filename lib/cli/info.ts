import type { Command } from 'commander'
import { version } from '../evaluate/version.ts'
import { exit } from './exit.ts'

export function infoCommand(program: Command, done: (code: number) => void): void {
  program
    .command('info')
    .description('say what computes: the native file, the instruction set, the threads, CUDA')
    .option('--json', 'print one JSON object')
    .helpOption('-h, --help', 'print this help')
    .action(async ({ json }: { json?: boolean }) => {
      const { backend } = await import('../index.ts')
      const info = backend()
      process.stdout.write(
        json === true ? `${JSON.stringify({ version: version(), ...info })}\n` : text(info),
      )
      done(exit.fine)
    })
}

type Info = ReturnType<typeof import('../index.ts')['backend']>

function text({ backend, file, target, isa, isas, threads, cpus, cuda }: Info): string {
  const lines = [
    ['losskit', version()],
    ['node', `${process.version} on ${target}`],
    ['file', file],
    ['backend', backend],
    ['isa', `${isa} (of ${isas.join(', ')})`],
    ['threads', `${threads} (the machine has ${cpus} CPUs)`],
    ['cuda', `${cuda.state}: ${cuda.message}`],
  ] as const
  return lines.map(([name, value]) => `${name.padEnd(9)}${value}\n`).join('')
}
