// A block of elements, and how numbers of a block are read, computed and stored, a step at a time.
#pragma once

#include "cpu/stream.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** One block, every pointer at its first element. Factors are weights; those of gradients hold the incoming
 * gradient too. */
template <class T>
struct ElementBlock {
  const void* inputs[3];
  const T *value_factor, *grad_factor;
  T* values;
  void* grads[2];
  size_t n;
  T scale;
  bool stream, fetches;
};

/** What a step of a loss works on: two vectors side by side, of which one alone would wait for itself. A loss
 * of very many numbers says `lone`: twice as many do not fit the registers. */
template <class Loss, class T>
struct StepOf {
  static constexpr bool is_lone = native_lanes<T> == 1 || requires { Loss::lone; };
  using vector = vec<T, native_lanes<T>*(is_lone ? 1 : 2)>;
};
template <class Loss, class T>
using Step = typename StepOf<Loss, T>::vector;

/** Whether the formula of a loss leaves registers for its sum. */
template <class Loss>
constexpr bool is_light = requires {
  Loss::light;
};

/** Whether the numbers of a step, and so its values, come in another order than they are stored in. */
template <Dtype stored, class V>
constexpr bool is_unzipped = stored == Dtype::bfloat16 && (V::lanes > native_lanes<typename V::scalar>);

/** Values in the order of their numbers. */
template <class V, class T>
void zip_values(const T* from, size_t n, T* to) {
  constexpr size_t half = V::lanes / 2;
  for (size_t i = 0; i < n; i += 2 * half) {
    for (size_t k = 0; k < half; ++k) to[i + 2 * k] = from[i + k], to[i + 2 * k + 1] = from[i + half + k];
  }
}

/** Numbers stored as one type and computed in another, a step at a time. */
template <Dtype stored, class V>
struct Stored {
  using T = typename V::scalar;
  static constexpr bool in_halves = stored != dtype_of<T> && V::lanes > native_lanes<T>;
  static LOSSKIT_INLINE V load(const void* p, size_t i) {
    if constexpr (is_unzipped<stored, V>) {
      return load_bf16_unzipped<V>(static_cast<const uint16_t*>(p) + i);
    } else if constexpr (in_halves) {
      using Half = Stored<stored, typename V::half>;
      return {Half::load(p, i), Half::load(p, i + V::lanes / 2)};
    } else if constexpr (stored == Dtype::float16) {
      return load_f16(static_cast<const uint16_t*>(p) + i, static_cast<V*>(nullptr));
    } else if constexpr (stored == Dtype::bfloat16) {
      return load_bf16(static_cast<const uint16_t*>(p) + i, static_cast<V*>(nullptr));
    } else {
      return V::load(static_cast<const T*>(p) + i);
    }
  }
  static LOSSKIT_INLINE void store(V v, void* p, size_t i) {
    if constexpr (is_unzipped<stored, V>) {
      store_bf16_zipped(v, static_cast<uint16_t*>(p) + i);
    } else if constexpr (in_halves) {
      using Half = Stored<stored, typename V::half>;
      Half::store(v.lo, p, i), Half::store(v.hi, p, i + V::lanes / 2);
    } else if constexpr (stored == Dtype::float16) {
      store_f16(v, static_cast<uint16_t*>(p) + i);
    } else if constexpr (stored == Dtype::bfloat16) {
      store_bf16(v, static_cast<uint16_t*>(p) + i);
    } else {
      v.store(static_cast<T*>(p) + i);
    }
  }
};

/** What f makes of the numbers that `load` finds in the inputs. */
template <class Loss, class T, class Load, class F>
LOSSKIT_INLINE auto of_inputs(const ElementBlock<T>& b, const Load& load, const F& f) {
  if constexpr (Loss::inputs == 1) {
    return f(load(b.inputs[0]));
  } else if constexpr (Loss::inputs == 2) {
    return f(load(b.inputs[0]), load(b.inputs[1]));
  } else {
    return f(load(b.inputs[0]), load(b.inputs[1]), load(b.inputs[2]));
  }
}

/** Whether a halved formula is begun a step ahead: what is begun takes registers, of which AVX-512 has
 * enough. Narrower steps are those of few numbers, for which it is not worth it. */
template <class Loss, class V>
constexpr bool begins_ahead = native_lanes<float> == 16 && is_halved<Loss> &&
                              (V::lanes == Step<Loss, typename V::scalar>::lanes);

struct Nothing {};

/** The first half of a step, if it is to be begun a step ahead. */
template <class Loss, class V, class T, class Load, class P>
LOSSKIT_INLINE auto begin_step(const ElementBlock<T>& b, const Load& load, const P& params) {
  if constexpr (begins_ahead<Loss, V>) {
    return of_inputs<Loss>(b, load, [&](auto... x) LOSSKIT_LAMBDA { return Loss::begin(x..., params); });
  } else {
    return Nothing();
  }
}

/** What a step gives that nothing was begun of. */
template <class Loss, class T, class Load, class P>
LOSSKIT_INLINE auto whole_step(const ElementBlock<T>& b, const Load& load, const P& params) {
  return of_inputs<Loss>(b, load, [&](auto... x) LOSSKIT_LAMBDA { return at_once<Loss>(params, x...); });
}

/** What a step gives, from what was begun of it. */
template <class Loss, class V, class Begun, class T, class Load, class P>
LOSSKIT_INLINE auto end_step(const Begun& begun, const ElementBlock<T>& b, const Load& load,
                             const P& params) {
  if constexpr (begins_ahead<Loss, V>) {
    return of_inputs<Loss>(b, load, [&](auto... x) LOSSKIT_LAMBDA { return Loss::end(begun, x..., params); });
  } else {
    return whole_step<Loss>(b, load, params);
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
