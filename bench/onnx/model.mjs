import { bytes, document, float, integer, message, text } from './protobuf.mjs'

/**
 * ONNX models written as they read: inputs, one line per operator, outputs. Field numbers are those of
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
 *
 * @typedef {{ type: 'float32' | 'int64', shape: readonly number[] }} Port
 * @typedef {{ op: string, inputs: string[], outputs: string[], attributes?: Record<string, number | string | number[]> }} Operator
 */

const elementType = { float32: 1, int64: 7 }
const opset = 18
const irVersion = 8

/** @param {string} name @param {Port} port */
const valueInfo = (name, port) => [
  text(1, name),
  message(2, [
    message(1, [
      integer(1, elementType[port.type]),
      message(
        2,
        port.shape.map(size => message(1, [integer(1, size)])),
      ),
    ]),
  ]),
]

/** @param {string} name @param {number | string | number[]} value */
function attribute(name, value) {
  if (typeof value === 'string') return [text(1, name), text(4, value), integer(20, 3)]
  if (Array.isArray(value)) return [text(1, name), ...value.map(item => integer(8, item)), integer(20, 7)]
  return [text(1, name), integer(3, value), integer(20, 2)]
}

/** @param {Operator} operator */
const node = ({ op, inputs, outputs, attributes = {} }) => [
  ...inputs.map(name => text(1, name)),
  ...outputs.map(name => text(2, name)),
  text(4, op),
  ...Object.entries(attributes).map(([name, value]) => message(5, attribute(name, value))),
]

/** A constant: a float32 scalar, or a vector of int64. @param {string} name @param {number | number[]} value */
function constant(name, value) {
  if (Array.isArray(value)) {
    const data = BigInt64Array.from(value, BigInt)
    return [
      integer(1, value.length),
      integer(2, elementType.int64),
      text(8, name),
      bytes(9, new Uint8Array(data.buffer)),
    ]
  }
  return [integer(2, elementType.float32), text(8, name), float(4, value)]
}

/**
 * @param {{ inputs: Record<string, Port>, operators: Operator[], outputs: Record<string, Port>, constants?: Record<string, number | number[]> }} graph
 * @returns {Uint8Array} a serialised ModelProto
 */
export function model({ inputs, operators, outputs, constants = {} }) {
  const graph = [
    ...operators.map(operator => message(1, node(operator))),
    text(2, 'loss'),
    ...Object.entries(constants).map(([name, value]) => message(5, constant(name, value))),
    ...Object.entries(inputs).map(([name, port]) => message(11, valueInfo(name, port))),
    ...Object.entries(outputs).map(([name, port]) => message(12, valueInfo(name, port))),
  ]
  return document([integer(1, irVersion), message(7, graph), message(8, [integer(2, opset)])])
}

/**
 * One operator: `op('Sub', 'pred target', 'difference')`.
 *
 * @param {string} name
 * @param {string} inputs separated by spaces
 * @param {string} outputs separated by spaces
 * @param {Operator['attributes']} [attributes]
 * @returns {Operator}
 */
export const op = (name, inputs, outputs, attributes) => ({
  op: name,
  inputs: inputs.split(' '),
  outputs: outputs.split(' '),
  ...(attributes && { attributes }),
})
