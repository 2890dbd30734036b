import { Command, CommanderError } from 'commander'
import { version } from '../evaluate/version.ts'
import { exit, failure, report } from './exit.ts'
import { description, examples } from './help.ts'
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
  const commands = [await loadEvaluate(), infoCommand]
  for (const command of commands) {
    command(program, result => {
      code = result
    })
  }
  program.addHelpText(
    'after',
    `
Run "losskit evaluate --help" for its options and examples.

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

/** The losses decide what options there are. Where they cannot be loaded, the command says why when it is used. */
async function loadEvaluate(): Promise<Define> {
  try {
    return (await import('./evaluate.ts')).evaluateCommand
  } catch (error) {
    return program => {
      const fail = () => {
        throw error
      }
      program
        .command('evaluate')
        .description(description)
        .helpOption('-h, --help', 'print this help')
        .addHelpText('after', examples)
        .allowUnknownOption()
        .allowExcessArguments()
        .action(fail)
    }
  }
}
