/** The workflows cannot run here, but what must be true of a release can be read in them. */

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { targets } from '../../scripts/prebuild/targets.mjs'
import { needsOf, read, runsOf, type Step, textOf } from './workflow.ts'

const root = new URL('../../', import.meta.url)
const names = readdirSync(fileURLToPath(new URL('.github/workflows', root)))
const workflows = names.map(name => ({ ...read(name), name, text: textOf(name) }))
const jobs = workflows.flatMap(({ name, jobs }) =>
  Object.entries(jobs).map(([job, content]) => ({ name: `${name}, ${job}`, ...content })),
)
const steps = jobs.flatMap(({ name, steps = [] }) => steps.map(step => ({ where: name, ...step })))

const ci = read('ci.yml')
const release = read('release.yml')
const { ci: called, package: packing, publish } = release.jobs
if (called === undefined || packing === undefined || publish === undefined) {
  throw new Error('release.yml has no job ci, package or publish')
}

/** Where the one step is that runs a command or an action. */
function place(list: readonly Step[] | undefined, what: RegExp): number {
  const found = (list ?? []).flatMap(({ run, uses }, i) => (what.test(run ?? uses ?? '') ? [i] : []))
  expect(found, `${what}`).toHaveLength(1)
  return found[0] as number
}

describe('every target of scripts/prebuild/targets.mjs', () => {
  const runs = Object.values(ci.jobs).flatMap(runsOf)
  const names = targets.map(({ id }) => id)

  it('has one machine that builds it, and no other name is built', () => {
    expect(runs.map(({ combination }) => combination.target).sort()).toEqual(names.sort())
  })

  it.each(names)('%s is built, checked, tested and kept', target => {
    const { steps } = runs.find(({ combination }) => combination.target === target) ?? { steps: [] }
    const built = place(steps, new RegExp(`npm run prebuild:tested -- ${target}\\b`))
    const kept = place(steps, /^actions\/upload-artifact@/)
    expect(kept).toBeGreaterThan(built)
    expect(steps[kept]?.with).toEqual({
      name: `prebuild-${target}`,
      path: 'prebuilds',
      'if-no-files-found': 'error',
    })
  })
})

describe('a release', () => {
  it('begins with a tag of a version, and only so', () => {
    expect(release.on).toEqual({ push: { tags: ['v[0-9]+.[0-9]+.[0-9]+'] } })
    place(packing.steps, /^test "v\$\(npm pkg get version .*\)" = "\$GITHUB_REF_NAME"$/)
  })

  it('packs what CI built, when all of it passed', () => {
    expect(called.uses).toBe('./.github/workflows/ci.yml')
    expect(ci.on).toHaveProperty('workflow_call')
    expect(needsOf(packing)).toContain('ci')
  })

  it('gathers the binaries of every target, and stops where a file is missing', () => {
    const gathered = place(packing.steps, /^actions\/download-artifact@/)
    expect(packing.steps?.[gathered]?.with).toEqual({
      pattern: 'prebuild-*',
      path: 'prebuilds',
      'merge-multiple': true,
    })
    const checked = place(packing.steps, /^npm run check:prebuilds -- --release$/)
    const tested = place(packing.steps, /^npm run test:package$/)
    const packed = place(packing.steps, /npm pack /)
    expect([gathered, checked, tested, packed]).toEqual(
      [gathered, checked, tested, packed].sort((a, b) => a - b),
    )
  })

  it('names the repository that the provenance will name, before it is packed', () => {
    const named = place(packing.steps, /^npm pkg set .*\$GITHUB_SERVER_URL\/\$GITHUB_REPOSITORY\.git"$/)
    expect(named).toBeLessThan(place(packing.steps, /npm pack /))
  })

  it('publishes the package that was checked and tested, with its provenance', () => {
    expect(needsOf(publish)).toContain('package')
    const kept = packing.steps?.[place(packing.steps, /^actions\/upload-artifact@/)]
    const taken = place(publish.steps, /^actions\/download-artifact@/)
    expect(publish.steps?.[taken]?.with).toEqual({ name: kept?.with?.name })
    const published = place(publish.steps, /^npm publish losskit-\*\.tgz .*--provenance$/)
    expect(published).toBeGreaterThan(taken)
  })

  it('is the only thing that publishes', () => {
    expect(steps.filter(({ run }) => run?.includes('npm publish')).map(({ where }) => where)).toEqual([
      'release.yml, publish',
    ])
  })
})

describe('rights', () => {
  it.each(workflows)('of $name are to read the sources', ({ permissions, text }) => {
    expect(permissions).toEqual({ contents: 'read' })
    expect(text).not.toMatch(/secrets|pull_request_target/)
  })

  it('beyond that has only the job that publishes, which runs nothing of the repository or its packages', () => {
    expect(jobs.filter(({ permissions }) => permissions !== undefined).map(({ name }) => name)).toEqual([
      'release.yml, publish',
    ])
    expect(publish.permissions).toEqual({ 'id-token': 'write' })
    expect(publish.steps?.map(({ run, uses }) => run ?? uses?.replace(/@.*/, ''))).toEqual([
      'actions/setup-node',
      'actions/download-artifact',
      expect.stringMatching(/^npm publish /),
    ])
  })

  it('are not left in the checkout', () => {
    const checkouts = steps.filter(({ uses }) => uses?.startsWith('actions/checkout@'))
    expect(checkouts.length).toBeGreaterThan(0)
    for (const { where, with: options } of checkouts) {
      expect(options, where).toEqual({ 'persist-credentials': false })
    }
  })
})

describe('actions and commands', () => {
  it.each(workflows)('of $name are pinned to a commit, with its version beside it', ({ name, text }) => {
    const used = text.split('\n').filter(line => /\buses:/.test(line))
    expect(used.length, name).toBeGreaterThan(0)
    for (const line of used) {
      expect(line).toMatch(
        /uses: (\.\/\.github\/workflows\/ci\.yml|actions\/[\w-]+@[\da-f]{40} # v\d+\.\d+\.\d+)$/,
      )
    }
  })

  it('are the same version wherever an action is used', () => {
    const used = new Set(steps.flatMap(({ uses }) => uses ?? []))
    expect([...used].map(action => action.replace(/@.*/, '')).sort()).toEqual([
      'actions/checkout',
      'actions/download-artifact',
      'actions/setup-node',
      'actions/upload-artifact',
    ])
  })

  it('are never skipped, nor do they fail in silence', () => {
    for (const { name, text } of workflows) expect(text, name).not.toMatch(/\bif:|continue-on-error/)
  })

  it('take nothing into a shell that someone outside could have written', () => {
    for (const { where, run = '' } of steps) {
      for (const [, expression] of run.matchAll(/\$\{\{ *(.*?) *\}\}/g)) {
        expect(expression, where).toMatch(/^matrix\.target$/)
      }
    }
  })

  it('of npm are scripts of package.json', () => {
    const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
      scripts: Record<string, string>
    }
    const used = steps.flatMap(({ run = '' }) =>
      [...run.matchAll(/npm run ([\w:]+)/g)].map(match => match[1]),
    )
    expect(used.length).toBeGreaterThan(0)
    for (const name of used) expect(Object.keys(scripts)).toContain(name)
  })
})
