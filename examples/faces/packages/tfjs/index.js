const tf = require('@tensorflow/tfjs-core')

// What @tensorflow/tfjs adds to tensors: the functions of tfjs-core as methods.
const reshaped = function (...shape) {
  return tf.reshape(this, shape)
}
const methods = { as1D: tensor => tf.reshape(tensor, [tensor.size]), asType: tf.cast, ...tf }
for (const [name, compute] of Object.entries(methods)) {
  if (typeof compute !== 'function' || name in tf.Tensor.prototype) continue
  tf.Tensor.prototype[name] = function (...rest) {
    return compute(this, ...rest)
  }
}
Object.assign(tf.Tensor.prototype, { as2D: reshaped, as3D: reshaped, as4D: reshaped })

module.exports = tf
