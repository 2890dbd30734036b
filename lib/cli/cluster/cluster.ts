import type { Command } from 'commander'
import { clusterDescription } from '../help.ts'
import { resultCommand } from './result.ts'
import { statusCommand } from './status.ts'
import { submitCommand } from './submit.ts'
import { workCommand } from './work.ts'

const examples = `
Examples:
  $ export LOSSKIT_CLUSTER_URL=redis://queue.example:6379
  $ losskit cluster work                                    # on each machine, as many as you like
  $ losskit cluster submit /data/p.parquet --pred score --target label --loss bce --wait
  $ id=$(losskit cluster submit /data/p.parquet --pred score --target label --loss bce)
  $ losskit cluster status $id && losskit cluster result $id --json`

export function clusterCommand(program: Command, done: (code: number) => void): void {
  const cluster = program
    .command('cluster')
    .description(clusterDescription)
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .addHelpText('after', examples)
  submitCommand(cluster, done)
  workCommand(cluster, done)
  statusCommand(cluster, done)
  resultCommand(cluster, done)
}
