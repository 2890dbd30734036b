const python = 'the driver of the emulated device is built for Arm, and Python is of this machine'

/**
 * What the emulator cannot show, and why: whole files, or tests of a file by their full name.
 *
 * @type {Record<string, string | Record<string, string>>}
 */
export const limits = {
  'test/cuda/bench.test.ts': {
    'the benchmark of devices measures losses and copies, and calls it no benchmark where the device is emulated':
      python,
  },
  'test/cuda/ipc.test.ts': {
    'memory shared with Python is plain data that openIpc takes, and nothing is shared that cannot be':
      python,
    'memory shared with Python is trained on there, by losses computed here': python,
    'memory shared with Python may be that of a tensor made here': python,
  },
  'test/cuda/library.test.ts': {
    'the library for an emulated device shares memory with another process':
      'a program for Arm starts itself, and only the emulator can start one',
  },
  'test/lib/alloc.test.ts': {
    'alloc asks for huge pages for large arrays, and so do gradients':
      'qemu does not hand on what is advised',
    'alloc tells the garbage collector how much it holds, and gives it back when nobody holds it':
      'qemu tells a process that it takes no memory',
    'alloc holds no more than a loop needs that never lets the event loop turn':
      'qemu tells a process that it takes no memory',
  },
  'test/prebuilt/check.test.ts': 'the libraries that it judges are compiled for this machine',
}
