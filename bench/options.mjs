import { parseArgs } from 'node:util'

const help = `npm run bench -- [options]

  --quick           at most two minutes: fewer sizes and rounds, but every aim
  --only <regexp>   only cases whose name matches, as 'mse 2\\^25'; may be given again
  --without <names> leave contenders out, separated by commas: losskit, javascript, simsimd, onnxruntime, tfjs, numpy,
                    torch, plain-sum
  --against <file>  compare with the JSON of an earlier run
  --no-save         write nothing into bench/results; --only and --without never do`

/** What the command line asks for. */
export function readOptions() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: [], multiple: true },
      without: { type: 'string', default: '' },
      against: { type: 'string' },
      'no-save': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(help)
    process.exit()
  }
  const isWhole = values.only.length === 0 && !values.without
  return {
    isQuick: values.quick,
    only: new RegExp(values.only.map(pattern => `(?:${pattern})`).join('|')),
    without: values.without.split(','),
    against: values.against,
    isWhole,
    saves: isWhole && !values['no-save'],
  }
}
