// Checks the compiled kernels: what an instruction set exports, and that no fused or wide instruction slipped where it must
// not be. Run after a build: node scripts/check-objects.mjs [build folder]
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const build = process.argv[2] ?? 'build'
const run = (command, args) => execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 })

const faults = []
const expect = (holds, message) => holds || faults.push(message)

/** Objects of a target by their sources, such as `cpu/rows`. Those whose source is gone are of an older build. */
function objectsOf(target) {
  const folder = join(build, 'CMakeFiles', `${target}.dir`, 'native')
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true })
    .filter(file => file.endsWith('.cc.o') && existsSync(join('native', file.slice(0, -2))))
    .map(file => ({ source: file.slice(0, -5), file: join(folder, file) }))
}

/** Each driver's object exports its list of kernels, and that of the table exports the table; nothing else. */
function checkSymbols(isa, { source, file }) {
  const symbols = run('nm', ['--defined-only', '--demangle', file])
    .split('\n')
    .map(line => /^\S+ (\S) (.*)$/.exec(line)?.slice(1))
    .filter(symbol => symbol !== undefined)
  // The linker may merge weak symbols of differently compiled units, and so put AVX-512 where it cannot run.
  const weak = symbols.filter(([kind]) => 'WwVvu'.includes(kind)).map(([, name]) => name)
  expect(weak.length === 0, `${isa} ${source}: weak symbols: ${weak.join(', ')}`)
  const exported = symbols.filter(([kind]) => /[A-TX-Z]/.test(kind)).map(([, name]) => name)
  const wanted = source === 'cpu/table' ? 'kernels' : '<driver>_kernels'
  const pattern = new RegExp(`^losskit::${isa}::${wanted.replace('<driver>', '\\w+')}$`)
  expect(
    exported.length === 1 && pattern.test(exported[0]),
    `${isa} ${source}: exports ${exported.join(', ')}, not losskit::${isa}::${wanted} alone`,
  )
}

/** How the build compiles an object; undefined where it is not one of Ninja. */
function flagsOf(isa, { source }) {
  const file = join(build, 'build.ninja')
  if (!existsSync(file)) return undefined
  const rule = `build CMakeFiles/losskit_${isa}.dir/native/${source}.cc.o:`
  const text = readFileSync(file, 'utf8')
  return /^ {2}FLAGS = (.*)$/m.exec(text.slice(text.indexOf(rule)))?.[1].split(' ')
}

const flags = {
  scalar: [],
  avx2: process.arch === 'x64' ? ['-mavx2', '-mfma'] : [],
  avx512: process.arch === 'x64' ? ['-mavx512f', '-mfma'] : [],
  neon: [],
}

const drivers = objectsOf('losskit_scalar').map(({ source }) => source)
expect(drivers.includes('cpu/table'), `no objects of kernels in ${build}: build first`)

let checked = 0
for (const [isa, wanted] of Object.entries(flags)) {
  const objects = objectsOf(`losskit_${isa}`)
  if (objects.length === 0) continue
  checked++
  const missing = drivers.filter(driver => !objects.some(({ source }) => source === driver))
  expect(missing.length === 0, `${isa}: no object of ${missing.join(', ')}`)
  for (const object of objects) {
    checkSymbols(isa, object)
    // Without the first, a product and a sum may be fused, which rounds differently.
    const given = flagsOf(isa, object)
    const without = ['-ffp-contract=off', ...wanted].filter(
      flag => given !== undefined && !given.includes(flag),
    )
    expect(without.length === 0, `${isa} ${object.source}: compiled without ${without.join(', ')}`)
  }
}

// The baseline must run on any x86-64: no VEX or EVEX encoded instruction, and so no fused multiply-add either.
if (process.arch === 'x64') {
  for (const { file } of ['losskit_scalar', 'losskit_core', 'losskit'].flatMap(objectsOf)) {
    const wide = run('objdump', ['-d', '--no-show-raw-insn', file]).match(/\t(v[a-z]+[a-z0-9]*)\s/g) ?? []
    const names = new Set(wide.map(name => name.trim()).filter(name => !/^ver[rw]$/.test(name)))
    expect(names.size === 0, `${file}: AVX instructions in a baseline object: ${[...names].join(', ')}`)
  }
}

if (faults.length > 0) {
  console.error(faults.join('\n'))
  process.exit(1)
}
console.log(
  `${checked} instruction sets, ${drivers.length} objects each: one symbol each, none weak; the baseline has no AVX`,
)
