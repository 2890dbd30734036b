import { type Command, InvalidArgumentError } from 'commander'
import { takersOf } from '../evaluate/catalogue.ts'
import { UsageError } from '../evaluate/errors.ts'
import { writeFile } from '../evaluate/write-file.ts'
import { type Curve, curvesOf, plottable, pointsOf, usualRange, usualTarget } from '../plot/curves.ts'
import { drawSvg } from '../plot/picture.ts'
import { exit } from './exit.ts'
import { checkTaken, lossFlags, number } from './flags.ts'
import { plotDescription } from './help.ts'
import { title } from './table.ts'

interface Flags {
  readonly [lossOption: string]: unknown
  readonly output: string
  readonly target?: number
  readonly from?: number
  readonly to?: number
  readonly grad?: boolean
}

const examples = `
Losses: ${plottable.join(', ')}.
Options take a list, with a curve for each value. The picture is drawn by the packages vega and vega-lite.

Examples:
  $ losskit plot sigmoidFocal --gamma 0,0.5,1,2,5 -o focal.svg
  $ losskit plot mse mae huber logCosh -o robust.svg
  $ losskit plot quantile --tau 0.1,0.5,0.9 --grad -o pinball.svg`

export function plotCommand(program: Command, done: (code: number) => void): void {
  const command = program
    .command('plot')
    .description(plotDescription)
    .argument('<loss...>', 'losses to draw')
    .requiredOption('-o, --output <file.svg>', 'the picture')
    .option('--target <number>', 'the target (default 0 for losses of the difference, otherwise 1)', number)
    .option('--from <number>', 'the first prediction', number)
    .option('--to <number>', 'the last prediction', number)
    .option('--grad', 'draw the derivative by the prediction')
  for (const [name, { flag, help, parse }] of lossFlags) {
    if (!takersOf(name).some(loss => plottable.includes(loss))) continue
    command.option(flag.replace(/<\w+>/, '<list>'), help, (text: string) => text.split(',').map(parse))
  }
  command
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', examples)
    .action(async (losses: readonly string[], flags: Flags) => done(await action(losses, flags)))
}

async function action(losses: readonly string[], flags: Flags): Promise<number> {
  const unknown = losses.find(loss => !plottable.includes(loss))
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`${unknown} cannot be drawn. The losses are ${plottable.join(', ')}.`)
  }
  const { output, target = usualTarget(losses), grad = false } = flags
  const { from, to } = { ...usualRange(losses), ...given(flags, ['from', 'to']) }
  if (!(from < to)) throw new UsageError(`--from ${from} must be less than --to ${to}.`)
  if (!/\.svg$/i.test(output)) throw new UsageError(`--output ${output} must end in .svg.`)
  const lists = given(flags, [...lossFlags.keys()]) as Record<string, readonly unknown[]>
  checkTaken(losses, Object.keys(lists))

  const curves = curvesOf(losses, lists)
  const lines = curves.map(curve => ({
    name: nameOf(curve, losses),
    points: pointsOf(curve, { from, to }, target, grad),
  }))
  const [single] = curves
  const subject = curves.length === 1 && single !== undefined ? title(single) : losses.join(', ')
  const yTitle = grad ? 'derivative' : 'loss'
  await writeFile(output, await drawSvg({ title: `${subject}, target ${target}`, yTitle, lines }))
  return exit.fine
}

function given(flags: Flags, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.flatMap(name => (flags[name] === undefined ? [] : [[name, flags[name]]])))
}

/** Where there is only one loss, the title names it, and its curves are told by their options. */
function nameOf(curve: Curve, losses: readonly string[]): string {
  const whole = title(curve)
  return losses.length === 1 ? (/\((.*)\)$/.exec(whole)?.[1] ?? whole) : whole
}
