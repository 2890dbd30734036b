/**
 * What the emulator cannot show, and why: whole files, or tests of a file by their full name.
 *
 * @type {Record<string, string | Record<string, string>>}
 */
export const limits = {
  'test/lib/alloc.test.ts': {
    'alloc asks for huge pages for large arrays, and so do gradients':
      'qemu does not hand on what is advised',
    'alloc tells the garbage collector how much it holds, and gives it back when nobody holds it':
      'qemu tells a process that it takes no memory',
    'alloc holds no more than a loop needs that never lets the event loop turn':
      'qemu tells a process that it takes no memory',
  },
}
