import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const dist = fileURLToPath(new URL('../../dist', import.meta.url))

/** What a built file and the files that it imports name outside of dist. Calls of import() count where `dynamic` says so. */
function outside(file: string, dynamic: boolean, seen = new Set<string>()): Set<string> {
  const found = new Set<string>()
  if (seen.has(file)) return found
  seen.add(file)
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest)
  const visit = (node: ts.Node): void => {
    const isStatic = ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
    const isCall =
      dynamic && ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
    const isType = dynamic && ts.isImportTypeNode(node)
    const specifier = isStatic
      ? node.moduleSpecifier
      : isCall
        ? node.arguments[0]
        : isType && ts.isLiteralTypeNode(node.argument)
          ? node.argument.literal
          : undefined
    if (specifier !== undefined && ts.isStringLiteral(specifier)) follow(specifier.text)
    ts.forEachChild(node, visit)
  }
  const follow = (name: string): void => {
    if (!name.startsWith('.')) {
      if (!name.startsWith('node:')) found.add(name)
      return
    }
    const target = join(dirname(file), name)
    const path = file.endsWith('.d.ts') ? target.replace(/\.js$/, '.d.ts') : target
    if (existsSync(path)) for (const other of outside(path, dynamic, seen)) found.add(other)
  }
  visit(source)
  return found
}

describe('losskit/evaluate', () => {
  it('loads no package that its users have not asked for', () => {
    // Modules of Node may be named without node: by the packages that are bundled.
    const names = [...outside(join(dist, 'evaluate', 'index.js'), false)]
    const own = new Set(['fs', 'path', 'stream', 'buffer', 'string_decoder', 'util', 'events', 'module'])
    expect(names.filter(name => !own.has(name))).toEqual([])
  })

  it('has types that need no other package', () => {
    expect([...outside(join(dist, 'evaluate', 'index.d.ts'), true)]).toEqual([])
  })

  it('is one copy with the library: an error of a loss is an instance of its class', async () => {
    const [evaluate, library] = await Promise.all([
      import('losskit/evaluate' as string) as Promise<typeof import('../../lib/evaluate/index.ts')>,
      import('losskit' as string) as Promise<typeof import('../../lib/index.ts')>,
    ])
    const file = relative(process.cwd(), join(dist, 'nowhere.csv'))
    await expect(
      evaluate.evaluate({ file, pred: 'p', target: 't' }, { losses: [{ loss: 'mse' }] }),
    ).rejects.toBeInstanceOf(evaluate.FileError)
    await expect(
      evaluate.evaluate(
        { file, pred: 'p', target: 't' },
        { losses: [{ loss: 'huber', options: { delta: -1 } }] },
      ),
    ).rejects.toBeInstanceOf(library.LosskitOptionError)
  })

  it.each([
    [{ losses: [] }, 'no loss is asked for.'],
    [{ losses: [{ loss: 'mes' }] }, 'no loss is called mes. The losses are '],
    [{ losses: [{ loss: 'mse' }], worst: 1.5 }, 'worst is 1.5. It must be a whole number from 0 to 10000.'],
  ])('refuses the plan %j before it opens anything', async (plan, message) => {
    const { evaluate } = await import('../../lib/evaluate/index.ts')
    await expect(evaluate({ file: 'nowhere', pred: 'p', target: 't' }, plan)).rejects.toMatchObject({
      code: 'ERR_USAGE',
      message: expect.stringContaining(message),
    })
  })
})
