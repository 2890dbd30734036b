/** A platform that losskit comes with a binary for. */
export interface Target {
  /** As the scripts and the workflows name it. */
  readonly id: string
  /** As the loader's errors name it. */
  readonly name: string
  readonly platform: NodeJS.Platform
  readonly arch: NodeJS.Architecture
  readonly libc?: 'glibc' | 'musl'
  /** From the root of the package. */
  readonly file: string
  /** The library with the CUDA backend beside that file, where there is to be one. */
  readonly cuda?: string
}

export const targets: readonly Target[]

/** All files of a target. */
export function filesOf(target: Target): string[]

/** The C library of this machine; undefined where that is no question. */
export function hostLibc(): 'glibc' | 'musl' | undefined

/** Whether it is this machine's own. */
export function isHost(target: Target): boolean

/** What compiles for a target on another machine than its own. */
export interface CrossCompiler {
  /** In cmake/toolchains. */
  readonly toolchain: string
  /** A command that succeeds where it is installed. */
  readonly command: readonly [string, ...string[]]
  /** What strips the file; absent where the linker does. */
  readonly stripBin?: string
  /** How it is installed. */
  readonly install: string
}

/** Of a target that can be built here though this machine is another: on Linux x64 with glibc, all are. */
export function crossCompilerOf(target: Target): CrossCompiler | undefined
