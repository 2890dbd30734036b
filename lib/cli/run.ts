import { Command, CommanderError } from 'commander'
import { version } from '../evaluate/version.ts'
import { exit, failure, report } from './exit.ts'
import { clusterDescription, description, examples, mergeDescription, plotDescription } from './help.ts'
import { infoCommand } from './info.ts'

/** Runs the command with its arguments and returns its exit code. */
export async function run(args: readonly string[]): Promise<number> {
  let code: number = exit.fine
  const program = new Command('losskit')
    .description(
      'Deep-learning losses over files of predictions: exact sums, the same number on every machine.',
    )
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .showSuggestionAfterError()
    .configureOutput({
      // The error itself is reported once, below, in our own form.
      outputError: () => {},
    })
    .exitOverride()
  const finish = (result: number) => {
    code = result
  }
  for (const define of await Promise.all(commands)) define(program, finish)
  program.addHelpText(
    'after',
    `
Run "losskit evaluate --help" for its options and examples; every command has its own.

Exit codes: 0 fine, 1 a loss is above its threshold, 2 usage, 3 the data or the machine, 130 interrupted.`,
  )
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exit.fine
    // Without a command the help has been printed already.
    if (error instanceof CommanderError && error.code === 'commander.help') return exit.usage
    const failed = failure(error)
    report(failed)
    return failed.exitCode
  }
}

type Define = (program: Command, done: (code: number) => void) => void

const commands: readonly (Define | Promise<Define>)[] = [
  load('evaluate', description, examples, async () => (await import('./evaluate.ts')).evaluateCommand),
  load('merge', mergeDescription, '', async () => (await import('./merge.ts')).mergeCommand),
  load('cluster', clusterDescription, '', async () => (await import('./cluster/cluster.ts')).clusterCommand),
  load('plot', plotDescription, '', async () => (await import('./plot.ts')).plotCommand),
  infoCommand,
]

/** The losses decide what options there are. Where they cannot be loaded, the command says why when it is used. */
async function load(
  name: string,
  description: string,
  help: string,
  define: () => Promise<Define>,
): Promise<Define> {
  try {
    return await define()
  } catch (error) {
    return program => {
      const fail = () => {
        throw error
      }
      program
        .command(name)
        .description(description)
        .helpOption('-h, --help', 'print this help')
        .addHelpText('after', help)
        .allowUnknownOption()
        .allowExcessArguments()
        .action(fail)
    }
  }
}
