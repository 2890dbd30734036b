// Checks the compiled kernels: what one instruction set exports, and that no fused or wide instruction slipped where it
// must not be. Run after a build: node scripts/check-objects.mjs [build folder]
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const build = process.argv[2] ?? 'build'
const run = (command, args) => execFileSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 })
const object = (target, source) => join(build, 'CMakeFiles', `${target}.dir`, 'native', `${source}.cc.o`)

const isas = { scalar: [], avx2: [], avx512: [], neon: [] }
const core = ['cpu/catalogue', 'cpu/dispatch', 'cpu/pool', 'cpu/run', 'sum/read']
const addon = [
  'addon/addon',
  'addon/outcome',
  'addon/read_job',
  'addon/run_functions',
  'addon/state',
  'addon/state_functions',
]

const faults = []
const expect = (holds, message) => holds || faults.push(message)

let checked = 0
for (const isa of Object.keys(isas)) {
  const file = object(`losskit_${isa}`, `cpu/${isa}`)
  if (!existsSync(file)) continue
  checked++
  const symbols = run('nm', ['--defined-only', file])
    .split('\n')
    .filter(Boolean)
    .map(line => line.trim().split(/\s+/).slice(-2))
  const weak = symbols.filter(([kind]) => 'WwVvu'.includes(kind))
  const global = symbols.filter(
    ([kind]) => /[A-Z]/.test(kind) && !'U'.includes(kind) && !'WwVvu'.includes(kind),
  )
  // The linker may merge weak symbols of differently compiled units, and so put AVX-512 where it cannot run.
  expect(weak.length === 0, `${isa}: weak symbols: ${weak.map(s => s[1]).join(', ')}`)
  const exported = global.filter(([kind]) => 'TDRB'.includes(kind)).map(s => s[1])
  expect(exported.length === 1, `${isa}: exports ${exported.join(', ')}, not its table alone`)
}
expect(checked > 0, `no objects of kernels in ${build}: build first`)

// The baseline must run on any x86-64: no VEX or EVEX encoded instruction, and so no fused multiply-add either.
if (process.arch === 'x64') {
  const baseline = [
    object('losskit_scalar', 'cpu/scalar'),
    ...core.map(source => object('losskit_core', source)),
    ...addon.map(source => object('losskit', source)),
  ]
  for (const file of baseline) {
    if (!existsSync(file)) continue
    const wide = run('objdump', ['-d', '--no-show-raw-insn', file]).match(/\t(v[a-z]+[a-z0-9]*)\s/g) ?? []
    const names = new Set(wide.map(name => name.trim()).filter(name => !/^ver[rw]$/.test(name)))
    expect(names.size === 0, `${file}: AVX instructions in a baseline object: ${[...names].join(', ')}`)
  }
}

// Contraction: this program computes a product and a sum that a fused instruction would round differently.
for (const [name, flags] of [
  ['avx2', ['-mavx2', '-mfma']],
  ['avx512', ['-mavx512f', '-mfma']],
]) {
  const commands = join(build, 'build.ninja')
  if (!existsSync(commands) || process.arch !== 'x64') continue
  const rules = run('grep', ['-A', '8', `losskit_${name}.dir/native/cpu/${name}.cc.o:`, commands])
  expect(rules.includes('-ffp-contract=off'), `${name}: compiled without -ffp-contract=off`)
  expect(
    flags.every(flag => rules.includes(flag)),
    `${name}: compiled without ${flags.join(' ')}`,
  )
}

if (faults.length > 0) {
  console.error(faults.join('\n'))
  process.exit(1)
}
console.log(`${checked} instruction sets: one symbol each, none weak; the baseline has no AVX`)
