/**
 * The few bytes of protobuf that an ONNX model needs: https://protobuf.dev/programming-guides/encoding.
 * A message is an array of fields; a field is bytes.
 */

/** @param {number | bigint} value @returns {Uint8Array} base-128, least significant group first */
function varint(value) {
  const bytes = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}

/** @param {Uint8Array[]} parts */
const join = parts => new Uint8Array(Buffer.concat(parts))

/** @param {number} field @param {number | bigint} value */
export const integer = (field, value) => join([varint(field << 3), varint(value)])

/** @param {number} field @param {number} value */
export const float = (field, value) =>
  join([varint((field << 3) | 5), new Uint8Array(Float32Array.of(value).buffer)])

/** @param {number} field @param {Uint8Array} content */
export const bytes = (field, content) => join([varint((field << 3) | 2), varint(content.length), content])

/** @param {number} field @param {string} value */
export const text = (field, value) => bytes(field, new TextEncoder().encode(value))

/** @param {number} field @param {Uint8Array[]} fields */
export const message = (field, fields) => bytes(field, join(fields))

/** @param {Uint8Array[]} fields */
export const document = fields => join(fields)
