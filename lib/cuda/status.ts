import type { DeviceInfo } from '../../binding.js'
import { binding } from '../backend/binding.ts'
import { openLibrary } from './library.ts'

/** Whether CUDA devices can be used, and if not, why and what to do. */
export interface CudaStatus {
  readonly state:
    | 'available'
    | 'library-missing'
    | 'no-driver'
    | 'driver-too-old'
    | 'no-device'
    /** `code` says which, where the CUDA runtime says it. */
    | 'error'
  /** The number of the error in the CUDA runtime. */
  readonly code?: number
  /** The newest CUDA that the driver knows, and that of losskit, such as '13.0'; null where that is not known. */
  readonly driver: string | null
  readonly runtime: string | null
  readonly devices: readonly DeviceInfo[]
  /** What is the matter, and what to do about it. */
  readonly message: string
}

const [SUCCESS, INSUFFICIENT_DRIVER, NO_DEVICE] = [0, 35, 100]

/** Looks anew each time. Never throws. */
export function status(): CudaStatus {
  const absence = openLibrary()
  if (absence !== undefined) return { ...absence, driver: null, runtime: null, devices: [] }
  const [code, driver, runtime, count] = binding.cuda.status()
  const versions = { driver: driver === 0 ? null : showVersion(driver), runtime: showVersion(runtime) }
  if (code === SUCCESS && count > 0) return { ...describe(count), ...versions }
  const state =
    code === INSUFFICIENT_DRIVER
      ? driver === 0
        ? 'no-driver'
        : 'driver-too-old'
      : code === SUCCESS || code === NO_DEVICE
        ? 'no-device'
        : 'error'
  return { state, code, ...versions, devices: [], message: explain(state, code, versions) }
}

function describe(count: number): Pick<CudaStatus, 'state' | 'devices' | 'message'> & { code?: number } {
  const devices: DeviceInfo[] = []
  try {
    for (let i = 0; i < count; i++) devices.push(binding.cuda.describe(i))
  } catch (error) {
    const { cuda } = error as { cuda?: number }
    if (cuda === undefined) throw error
    return { state: 'error', code: cuda, devices: [], message: explainCode(cuda) }
  }
  const names = devices.map(({ name }) => name).join(', ')
  return { state: 'available', devices, message: `CUDA can be used: ${names}.` }
}

/** 13000 is 13.0. */
function showVersion(version: number): string {
  return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`
}

function explain(
  state: CudaStatus['state'],
  code: number,
  { driver, runtime }: Pick<CudaStatus, 'driver' | 'runtime'>,
): string {
  switch (state) {
    case 'no-driver':
      return (
        'There is no NVIDIA driver. Install one (580 or later), and in a container let it in, as `docker run --gpus all` does ' +
        'with the NVIDIA Container Toolkit.'
      )
    case 'driver-too-old':
      return (
        `The NVIDIA driver knows CUDA up to ${driver}, but losskit was built with CUDA ${runtime}. Install driver 580 or later, ` +
        'which is the first for CUDA 13.'
      )
    case 'no-device':
      return 'There is a driver, but no device that this process may use. See nvidia-smi, and what CUDA_VISIBLE_DEVICES says.'
    default:
      return explainCode(code)
  }
}

function explainCode(code: number): string {
  return `CUDA says ${binding.cuda.nameOf(code)} (${code}): ${binding.cuda.textOf(code)}. See nvidia-smi and the system's log.`
}
