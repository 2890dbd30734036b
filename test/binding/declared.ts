/** What binding.d.ts declares, as the compiler reads it, to be held against what is loaded. */

import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export interface Method {
  readonly name: string
  /** How many arguments it takes. */
  readonly arity: number
  readonly result: ts.Type
}

export interface Declared {
  /** A type that the file exports, by name. */
  type(name: string): ts.Type
  /** The members of an interface that are functions. */
  methods(name: string): readonly Method[]
  /** The members of a union; of another type, that type. */
  alternatives(type: ts.Type): readonly ts.Type[]
  /** What a promise of this type resolves to. */
  awaited(type: ts.Type): ts.Type
  show(type: ts.Type): string
  /** Where and how a value is not of a type, in words; interfaces have all of their members and no other. */
  mismatch(value: unknown, type: ts.Type, place?: string): string | undefined
}

const path = fileURLToPath(new URL('../../binding.d.ts', import.meta.url))

/** The file, or another text in its place. */
export function readDeclared(text: string = ts.sys.readFile(path) as string): Declared {
  const options: ts.CompilerOptions = { target: ts.ScriptTarget.ES2023, strict: true, types: [] }
  const host = ts.createCompilerHost(options)
  host.getSourceFile = (file, language) =>
    file === path ? ts.createSourceFile(file, text, language) : readLibrary(file, language)
  const program = ts.createProgram([path], options, host)
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(path) as ts.SourceFile
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(source) as ts.Symbol)

  const memberType = (member: ts.Symbol) => checker.getTypeOfSymbolAtLocation(member, source)
  const alternatives = (type: ts.Type) => (type.isUnion() ? type.types : [type])
  const show = (type: ts.Type) => checker.typeToString(type)

  function arityOf(signature: ts.Signature): number {
    const parameters = signature.getParameters()
    const last = parameters.at(-1)
    const rest = last && memberType(last)
    if (last === undefined || rest === undefined || !isRest(last)) return parameters.length
    return parameters.length - 1 + checker.getTypeArguments(rest as ts.TypeReference).length
  }

  const isBuiltIn = ({ symbol }: ts.Type) =>
    symbol?.declarations?.every(declaration => declaration.getSourceFile() !== source) ?? false

  function mismatch(value: unknown, type: ts.Type, place = 'it'): string | undefined {
    const unless = (holds: boolean) => (holds ? undefined : `${place} is ${print(value)}, not ${show(type)}`)
    if (type.isUnion()) return unless(type.types.some(each => mismatch(value, each) === undefined))
    if (type.isLiteral()) return unless(value === type.value)
    if (type.flags & ts.TypeFlags.Number) return unless(typeof value === 'number')
    if (type.flags & ts.TypeFlags.String) return unless(typeof value === 'string')
    if (type.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)) return unless(value === undefined)
    if (!(type.flags & ts.TypeFlags.Object)) throw new Error(`${place}: ${show(type)} is not understood`)
    if (type.getCallSignatures().length > 0) return unless(typeof value === 'function')
    if (checker.isTupleType(type) || checker.isArrayType(type)) {
      if (!Array.isArray(value)) return unless(false)
      const types = checker.getTypeArguments(type as ts.TypeReference)
      if (checker.isTupleType(type) && value.length !== types.length) return unless(false)
      return first(
        value.map((item, i) => mismatch(item, (types[i] ?? types[0]) as ts.Type, `${place}[${i}]`)),
      )
    }
    if (isBuiltIn(type))
      return unless(Object.prototype.toString.call(value) === `[object ${type.symbol.name}]`)
    if (typeof value !== 'object' || value === null) return unless(false)
    const members = type.getProperties()
    const names = new Set(members.map(({ name }) => name))
    return first([
      ...Object.keys(value).map(key => (names.has(key) ? undefined : `${place}.${key} is not declared`)),
      ...members.map(member =>
        member.name in value
          ? mismatch(value[member.name as never], memberType(member), `${place}.${member.name}`)
          : `${place}.${member.name} is missing`,
      ),
    ])
  }

  function type(name: string): ts.Type {
    const symbol = exported.find(each => each.name === name)
    if (symbol === undefined) throw new Error(`binding.d.ts exports no ${name}`)
    return checker.getDeclaredTypeOfSymbol(symbol)
  }

  return {
    type,
    methods: name =>
      type(name)
        .getProperties()
        .flatMap(member => {
          const [signature] = memberType(member).getCallSignatures()
          if (signature === undefined) return []
          return { name: member.name, arity: arityOf(signature), result: signature.getReturnType() }
        }),
    alternatives,
    awaited: type => checker.getAwaitedType(type) as ts.Type,
    show,
    mismatch,
  }
}

const read = new Map<string, ts.SourceFile>()

/** The types of the language, which are read once for all texts. */
function readLibrary(file: string, language: ts.ScriptTarget | ts.CreateSourceFileOptions): ts.SourceFile {
  const known = read.get(file) ?? ts.createSourceFile(file, ts.sys.readFile(file) ?? '', language)
  read.set(file, known)
  return known
}

const isRest = ({ valueDeclaration }: ts.Symbol): boolean =>
  valueDeclaration !== undefined &&
  ts.isParameter(valueDeclaration) &&
  valueDeclaration.dotDotDotToken !== undefined

const first = (found: readonly (string | undefined)[]): string | undefined =>
  found.find(each => each !== undefined)

const print = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? `an ${value.constructor?.name ?? 'object'}`
    : (JSON.stringify(value) ?? String(value))
