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

/** Arm, on an x64 Linux with glibc, is the one target that is built on another machine. */
export function isCrossCompiled(target: Target): boolean
