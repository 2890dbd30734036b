import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, it } from 'vitest'

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url))

/** Compiles files of this folder, one of which may have another text, and lists what the compiler finds wrong with them. */
function compile(names: readonly string[], replaced?: { name: string; text: string }): string[] {
  const config = ts.readConfigFile(path('../../tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, path('../..'))
  const host = ts.createCompilerHost(options)
  const read = host.getSourceFile.bind(host)
  host.getSourceFile = (file, ...more) =>
    replaced && file === path(replaced.name)
      ? ts.createSourceFile(file, replaced.text, ts.ScriptTarget.Latest)
      : read(file, ...more)
  const program = ts.createProgram(names.map(path), options, host)
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0
    return `${file?.fileName.split('/').pop()}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })
}

const mistakes = readFileSync(path('mistakes.ts'), 'utf8')

it('types results by their arguments, and refuses every mistake', () => {
  expect(compile(['results.ts', 'evaluate.ts', 'mistakes.ts'])).toEqual([])
})

it('would notice: every mistake is one, and results of another type do not pass', () => {
  const bare = mistakes.replaceAll('@ts-expect-error', '')
  const lines = mistakes.split('\n')
  const expected = lines.flatMap((line, i) => (line.includes('@ts-expect-error') ? [i + 2] : []))
  const found = compile(['mistakes.ts'], { name: 'mistakes.ts', text: bare })
  expect(new Set(found.map(text => Number(/:(\d+) /.exec(text)?.[1])))).toEqual(new Set(expected))

  const wrong = `import { mse } from '../../lib/index.ts'
    import { same } from './equal.ts'
    const value = mse([1], [1])
    same<typeof value, Float64Array>()`
  expect(compile(['results.ts'], { name: 'results.ts', text: wrong })).toHaveLength(1)
})
