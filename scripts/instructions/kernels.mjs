/**
 * The kernels that are counted: `cost count` runs each twice on one batch, apart from Node. Sizes are those of a loop that has
 * got going, and small enough for an emulator. AVX2 is the widest that valgrind knows.
 *
 * @param {string} loss
 * @param {number} rows
 * @param {number} columns
 * @param {{ forms?: string[], dtype?: string, isa?: string }} [options]
 */
const kernel = (loss, rows, columns, { forms = ['value', 'both'], dtype = 'float32', isa = 'avx2' } = {}) =>
  forms.map(form => [loss, dtype, form, String(rows), String(columns), isa])

const losses = ['mse', 'mae', 'huber', 'hinge', 'bceWithLogits', 'logCosh', 'sigmoidFocal', 'klDiv']

/** Arguments of `cost count`. @type {string[][]} */
export const kernels = [
  ...losses.flatMap(loss => kernel(loss, 8192, 0)),
  ...kernel('mse', 8192, 0, { dtype: 'float64' }),
  ...kernel('mse', 8192, 0, { isa: 'scalar' }),
  ...kernel('crossEntropy', 512, 10),
  ...kernel('crossEntropy', 16, 1000),
  ...kernel('crossEntropy', 1, 32000),
  ...kernel('crossEntropy', 16, 1000, { isa: 'scalar', forms: ['value'] }),
  ...kernel('triplet', 64, 128),
  ...kernel('contrastive', 64, 128),
  ...kernel('giou', 2048, 4),
  ...kernel('dice', 4, 4096),
  ...kernel('multilabelSoftMargin', 64, 80),
  ...kernel('infoNce', 96, 64),
  ...kernel('ctc', 2, 40),
]
