import { binding, file } from '../backend/binding.ts'
import { dirname, existsSync, join, resolve } from '../node.ts'

/** Why the library of the CUDA backend is not there. */
export interface Absence {
  readonly state: 'library-missing' | 'error'
  readonly message: string
}

/** The file that LOSSKIT_CUDA_LIBRARY names, or the one beside the addon. */
function libraryFile(): string {
  const named = process.env.LOSSKIT_CUDA_LIBRARY
  return named ? resolve(named) : join(dirname(file), 'liblosskit_cuda.so')
}

let isOpen = false

/** Opens the library of the CUDA backend when it is first needed, and keeps it. Importing losskit opens nothing. */
export function openLibrary(): Absence | undefined {
  if (isOpen) return undefined
  if (process.platform !== 'linux') {
    return {
      state: 'library-missing',
      message: 'The CUDA backend is built for Linux only. Use the CPU, which computes the same bits.',
    }
  }
  const library = libraryFile()
  if (!existsSync(library)) {
    const advice = process.env.LOSSKIT_CUDA_LIBRARY
      ? 'LOSSKIT_CUDA_LIBRARY names it: correct it, or unset it.'
      : 'This copy of losskit comes without it: build it with nvcc (docs/cuda.md), or let LOSSKIT_CUDA_LIBRARY name one.'
    return {
      state: 'library-missing',
      message: `The library of the CUDA backend is not there: ${library}. ${advice}`,
    }
  }
  const why = binding.cuda.open(library)
  if (why !== undefined) {
    return {
      state: 'error',
      message:
        `The library of the CUDA backend cannot be used: ${library}: ${why}. It must be the one that was built with the native ` +
        'addon: build both again, or install losskit again.',
    }
  }
  isOpen = true
  return undefined
}
