/**
 * What is measured on a device, and the figures that others have published for it.
 *
 * @typedef {object} Case
 * @property {string} name
 * @property {string} loss
 * @property {'float32' | 'bfloat16'} dtype
 * @property {'value' | 'value+grad'} form
 * @property {number} rows 1 for losses over elements
 * @property {number} columns
 * @property {number} [classes] of linearCrossEntropy, whose columns are those of the layer
 * @property {number} [flops] of its products
 * @property {number} bytes read and written at least: inputs once, the gradient once
 * @property {boolean} isSmall whether launching is all that costs
 * @property {number} [bar] milliseconds to reach on an H100
 * @property {string} [published] what others were said to take there
 */

const sizes = { float32: 4, bfloat16: 2 }
const labelBytes = 4

/** @param {string} loss */
const isRows = loss => loss === 'crossEntropy'

/** @returns {Case} */
function make(loss, dtype, form, rows, columns, more = {}) {
  const elements = rows * columns
  const tensors = isRows(loss) ? 1 : 2
  const bytes =
    elements * sizes[dtype] * (tensors + (form === 'value' ? 0 : 1)) + (isRows(loss) ? rows * labelBytes : 0)
  const shape = rows > 1 ? `${rows}×${columns}` : elements
  const short = dtype === 'bfloat16' ? ' bf16' : ''
  return {
    name: `${loss} ${shape} ${form}${short}`,
    loss,
    dtype,
    form,
    rows,
    columns,
    bytes,
    isSmall: bytes < 2 ** 20,
    ...more,
  }
}

/** Products of cuBLAS, whose own time is the bar. @returns {Case} */
function linear(dtype, form, rows, columns, classes, more = {}) {
  const products = form === 'value' ? 1 : 3
  const inputs = (rows + classes) * columns * sizes[dtype]
  return {
    name: `linearCrossEntropy ${rows}×${columns}×${classes} ${form}${dtype === 'bfloat16' ? ' bf16' : ''}`,
    loss: 'linearCrossEntropy',
    dtype,
    form,
    rows,
    columns,
    classes,
    flops: 2 * products * rows * columns * classes,
    bytes: inputs * (form === 'value' ? 1 : 2) + rows * labelBytes,
    isSmall: false,
    ...more,
  }
}

/**
 * Bars on an H100 80GB HBM3: fractions of the 3.0 TB/s that it copies at, for value and gradient. Published: Liger-Kernel's Triton
 * kernel, value and gradient, from its pull requests #1268 and #1290.
 */
const liger = milliseconds => `Liger-Kernel ${milliseconds} ms`
/** On an H200, from pull request #1356 of Liger-Kernel. */
const quack = milliseconds => `QuACK ${milliseconds} ms (H200)`

/** @returns {Case[]} */
export const cases = () => [
  make('crossEntropy', 'bfloat16', 'value+grad', 8192, 32000, { bar: 0.42, published: liger(0.789) }),
  make('crossEntropy', 'bfloat16', 'value+grad', 16384, 32000, { bar: 0.8 }),
  make('crossEntropy', 'bfloat16', 'value+grad', 8192, 128256, { bar: 1.6, published: liger(2.209) }),
  make('crossEntropy', 'bfloat16', 'value+grad', 16384, 128256, { bar: 3.15, published: liger(4.076) }),
  make('crossEntropy', 'bfloat16', 'value+grad', 8192, 262144, { bar: 3.3, published: liger(4.669) }),
  make('crossEntropy', 'float32', 'value+grad', 8192, 32000, { bar: 0.8, published: liger(1.04) }),
  make('crossEntropy', 'float32', 'value+grad', 8192, 128256, { bar: 3.2, published: liger(4.567) }),
  make('crossEntropy', 'float32', 'value+grad', 8192, 262144, { bar: 6.5, published: liger(9.004) }),
  make('crossEntropy', 'bfloat16', 'value', 8192, 32000),
  make('crossEntropy', 'bfloat16', 'value', 32768, 1024),
  linear('bfloat16', 'value+grad', 4096, 4096, 128256, { published: quack('16.7–17.3') }),
  linear('bfloat16', 'value+grad', 8192, 4096, 128256, { published: quack(35.5) }),
  linear('bfloat16', 'value', 4096, 4096, 128256),
  // At 2.8 TB/s.
  make('mse', 'float32', 'value', 1, 2 ** 26, { bar: 0.192 }),
  make('huber', 'float32', 'value+grad', 1, 2 ** 26, { bar: 0.288 }),
  make('huber', 'bfloat16', 'value+grad', 1, 2 ** 26, { bar: 0.144 }),
  make('bceWithLogits', 'float32', 'value+grad', 1, 2 ** 26, { bar: 0.288 }),
  make('sigmoidFocal', 'float32', 'value+grad', 1, 2 ** 26, { bar: 0.288 }),
  make('klDiv', 'float32', 'value+grad', 8192, 32768, { bar: 1.15 }),
  make('mse', 'float32', 'value+grad', 1, 2 ** 12),
  make('crossEntropy', 'float32', 'value+grad', 64, 100),
]

/** The same losses, so small that an emulated device computes them while one waits. @returns {Case[]} */
export const tinyCases = () => [
  make('crossEntropy', 'bfloat16', 'value+grad', 8, 300, { bar: 0.001, published: 'nobody' }),
  make('crossEntropy', 'float32', 'value', 4, 33),
  make('huber', 'float32', 'value+grad', 1, 3000),
  linear('bfloat16', 'value+grad', 8, 16, 41, { published: 'nobody' }),
  make('klDiv', 'float32', 'value+grad', 4, 64),
]
