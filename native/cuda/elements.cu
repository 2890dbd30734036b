// Losses over elements: neighbouring elements for each thread, blocks in strides over the batch.
//
// A step is one access of 16 bytes to each tensor: four floats or, where there are halves, eight of them,
// which are computed four at a time, so that the formula is there once. The formula is that of the
// processor's kernels, element by element; values are summed exactly, so neither grid nor order is seen in
// the result.
#include <cuda_runtime.h>

#include "cuda/driver.h"
#include "cuda/tally.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Neighbouring numbers as a vector: its operations then are independent instructions beside each other, and
 * what a formula asks is asked once. */
template <int n, class T>
LOSSKIT_INLINE vec<T, n * kTeam> vector_of(const T* x) {
  if constexpr (n == 1) {
    return x[0];
  } else {
    return {vector_of<n / 2>(x), vector_of<n / 2>(x + n / 2)};
  }
}
template <class T, int N>
LOSSKIT_INLINE void put_numbers(vec<T, N> v, T* x) {
  if constexpr (N == kTeam) {
    x[0] = v.v;
  } else {
    put_numbers(v.lo, x);
    put_numbers(v.hi, x + N / kTeam / 2);
  }
}

/** The loss of n of a thread's four elements, from i on. */
template <class Loss, int n, class T, class P>
LOSSKIT_INLINE auto loss_of(const Four<T> (&x)[Loss::inputs], int i, const P& params) {
  if constexpr (Loss::inputs == 1) {
    return at_once<Loss>(params, vector_of<n>(x[0].of + i));
  } else if constexpr (Loss::inputs == 2) {
    return at_once<Loss>(params, vector_of<n>(x[0].of + i), vector_of<n>(x[1].of + i));
  } else {
    return at_once<Loss>(params, vector_of<n>(x[0].of + i), vector_of<n>(x[1].of + i),
                         vector_of<n>(x[2].of + i));
  }
}

/** Whether element i leaves the domain of an input, which is noted. */
template <class Loss, int input, class T, class P>
LOSSKIT_INLINE bool leaves(const Four<T> (&x)[Loss::inputs], int i, uint64_t index, const P& params,
                           Tally<T, false>& tally) {
  if constexpr (is_checked<Loss, input>()) {
    const auto outside = Loss::template outside<input>(vec<T, kTeam>(x[input].of[i]), params);
    if (any(outside)) tally.fault(index, input, Status::domain);
    return any(outside);
  } else {
    return false;
  }
}

/** Whether it leaves that of any. */
template <class Loss, class T, class P>
LOSSKIT_INLINE bool is_outside(const Four<T> (&x)[Loss::inputs], int i, uint64_t index, const P& params,
                               Tally<T, false>& tally) {
  const bool first = leaves<Loss, 0>(x, i, index, params, tally);
  const bool second = leaves<Loss, 1>(x, i, index, params, tally);
  return leaves<Loss, 2>(x, i, index, params, tally) || first || second;
}

/** How a thread reaches the tensors: in whole accesses of four numbers of the type of the computation, or of
 * eight halves of one type; or as it may, where tensors differ, repeat or are not aligned, and at the end of
 * the batch. */
enum class Access : int { fours, eights_of_float16, eights_of_bfloat16, any };

LOSSKIT_INLINE bool has_eights(Access access) {
  return access == Access::eights_of_float16 || access == Access::eights_of_bfloat16;
}

/** What is the same for all elements. */
struct Walk {
  Access access;
  int wants_grad, wants_values, is_weighted;
};

template <class T, int inputs, int grads>
Walk walk_of(const Call& c) {
  const bool wants_grad = c.grads[0].data != nullptr, wants_values = c.values.data != nullptr;
  const auto are_all = [&](Dtype dtype, Dtype values) {
    const auto is_whole = [&](const auto& t, Dtype type) {
      return t.dtype == type && t.size >= c.rows && reinterpret_cast<uintptr_t>(t.data) % sizeof(uint4) == 0;
    };
    bool all = !wants_values || is_whole(c.values, values);
    for (int k = 0; k < inputs; ++k) all = all && is_whole(c.inputs[k], dtype);
    for (int g = 0; g < grads && wants_grad; ++g) all = all && is_whole(c.grads[g], dtype);
    return all;
  };
  Access access = Access::any;
  if (are_all(dtype_of<T>, dtype_of<T>)) access = Access::fours;
  if constexpr (sizeof(T) == 4) {
    if (are_all(Dtype::float16, Dtype::float32)) access = Access::eights_of_float16;
    if (are_all(Dtype::bfloat16, Dtype::float32)) access = Access::eights_of_bfloat16;
  }
  return {access, wants_grad, wants_values, c.weight.data != nullptr || c.upstream.data != nullptr};
}

/** What whole accesses give: the bytes of four numbers, or of eight halves. */
template <class T>
struct Raw {
  uint4 words[sizeof(Four<T>) / sizeof(uint4)];

  LOSSKIT_INLINE void read(const Tensor& t, uint64_t byte) {
    const auto* from = reinterpret_cast<const uint4*>(static_cast<const char*>(t.data) + byte);
    for (uint4& one : words) one = __ldcs(from++);
  }
};

/** Fours of several tensors. */
template <class T, int n>
struct Fours {
  Four<T> of[n];
};

/** Reads what is not read in whole accesses: the inputs, if `any`, then what multiplies values and gradients.
 * Into memory, for registers would have to be kept for what is rare. */
template <class T, int inputs>
LOSSKIT_INLINE void read_rest(const Call& c, bool any, uint64_t at, int n, Fours<T, inputs + 2>& x) {
#pragma unroll 1
  for (int k = any ? 0 : inputs; k < inputs + 2; ++k) {
    const Tensor& t = k < inputs ? c.inputs[k] : k == inputs ? c.weight : c.upstream;
    if (t.data != nullptr) {
      x.of[k] = read_each<T>(t, at, n);
    } else {
      x.of[k] = {{T(1), T(1), T(1), T(1)}};
    }
  }
  for (int i = 0; i < kEach; ++i) x.of[inputs + 1].of[i] = x.of[inputs + 1].of[i] * x.of[inputs].of[i];
}

/** Writes values and gradients, the latter unless an input is refused. */
template <class T, int grads>
LOSSKIT_INLINE void write_any(const Call& c, uint64_t at, int n, bool outside, const Fours<T, 1 + grads>& x) {
#pragma unroll 1
  for (int k = 0; k <= grads && !(k > 0 && outside); ++k) {
    const MutableTensor& t = k == 0 ? c.values : c.grads[k - 1];
    if (t.data != nullptr) write_each(t, at, n, x.of[k]);
  }
}

/** Of eight halves, `first` keeps four until there are the others. */
LOSSKIT_INLINE void write_half(const MutableTensor& t, bool is_brain, uint64_t at, int half, uint2& first,
                               const Four<float>& x) {
  const uint2 words = halves_of_four(x, is_brain);
  auto* to = reinterpret_cast<uint4*>(static_cast<uint16_t*>(t.data) + (at - kEach));
  if (half != 0) __stcs(to, uint4{first.x, first.y, words.x, words.y});
  first = words;
}

/** Blocks that a processor is to have registers for: as many as the formula leaves. */
template <class Loss, class T>
constexpr int resident() {
  if constexpr (sizeof(T) == 8 || requires { Loss::large; }) {
    return kBlocks;
  } else {
    return Loss::inputs == 3 ? 3 : 4;
  }
}

/** Elements that are computed as a vector: more would take more registers than they save instructions. */
template <class T>
constexpr int kTogether = sizeof(T) == 4 ? 2 : 1;

/** The fours of the halves in the first or second part of what was read. */
template <int inputs>
LOSSKIT_INLINE void widen(const Raw<float> (&raw)[inputs], int half, Access access,
                          Four<float> (&x)[inputs]) {
  uint2 words[inputs];
  for (int k = 0; k < inputs; ++k) {
    const uint4& all = raw[k].words[0];
    words[k] = half == 0 ? uint2{all.x, all.y} : uint2{all.z, all.w};
  }
  if (access == Access::eights_of_bfloat16) {
    for (int k = 0; k < inputs; ++k) x[k] = four_of_halves<float>(words[k], true);
  } else {
    for (int k = 0; k < inputs; ++k) x[k] = four_of_halves<float>(words[k], false);
  }
}

/** One kernel whatever is wanted: the library is half as large, and memory sets the pace. */
template <class Loss, class T, class P>
__global__ void __launch_bounds__(kThreads, resident<Loss, T>())
    element_kernel(const __grid_constant__ Call c, const Walk walk, const P params, const double* known_scale,
                   Outcome<T>* outcome) {
  constexpr int inputs = Loss::inputs, grads = gradients_of<Loss>().count;
  __shared__ BlockTally<T, false> block;
  Tally<T, false> tally(block);
  const T scale = static_cast<T>(known_scale != nullptr ? *known_scale : c.scale);

  Access access = walk.access;
  int halves = sizeof(T) == 4 && has_eights(access) ? 2 : 1;
  // Steps of a block; a grid would be in memory for years that needed more than 32 bits to count them.
  constexpr unsigned size = kThreads * kEach;
  unsigned step = blockIdx.x, stride = gridDim.x, steps = static_cast<unsigned>(c.rows / (size * halves));
  if (access == Access::any) steps = static_cast<unsigned>((c.rows + size - 1) / size);
  for (;; step += stride) {
    if (step >= steps) {
      // What is no whole step is left to the last block, which has the fewest.
      if (access == Access::any || blockIdx.x + 1 != gridDim.x) break;
      step = steps * static_cast<unsigned>(halves);
      steps = static_cast<unsigned>((c.rows + size - 1) / size);
      stride = 1;
      access = Access::any;
      halves = 1;
      if (step >= steps) break;
    }
    uint64_t at = (uint64_t(step) * kThreads + threadIdx.x) * static_cast<unsigned>(halves * kEach);
    Raw<T> raw[inputs];
    if (access != Access::any) {
      const uint64_t byte = at * sizeof(T) >> (halves - 1);
      for (int k = 0; k < inputs; ++k) raw[k].read(c.inputs[k], byte);
    }
    uint2 first[grads];
    bool outside = false;
#pragma unroll 1
    for (int half = 0; half < halves; ++half, at += kEach) {
      int n = kEach;
      Four<T> x[inputs];
      Fours<T, inputs + 2> rest;
      if (access == Access::any || walk.is_weighted) {
        if (access == Access::any && at + kEach > c.rows) n = at < c.rows ? static_cast<int>(c.rows - at) : 0;
        read_rest<T, inputs>(c, access == Access::any, at, n, rest);
      }
      if (access == Access::any) {
        for (int k = 0; k < inputs; ++k) x[k] = rest.of[k];
        // Not there, but the compiler would keep them meanwhile.
        for (Raw<T>& none : raw) none = {};
      } else if (sizeof(T) == 8 || halves == 1) {
        for (int k = 0; k < inputs; ++k) x[k] = bit_copy<Four<T>>(raw[k]);
      } else if constexpr (sizeof(T) == 4) {
        widen(raw, half, access, x);
      }

      Fours<T, 1 + grads> results;
      Four<T>& value = results.of[0];
      for (int i = 0; i < kEach; ++i) {
        if (i < n) outside |= is_outside<Loss>(x, i, at + static_cast<uint64_t>(i), params, tally);
      }
      for (int i = 0; i < kEach; i += kTogether<T>) {
        const auto out = loss_of<Loss, kTogether<T>>(x, i, params);
        put_numbers(out.value, value.of + i);
        put_numbers(out.grad, results.of[1].of + i);
        if constexpr (grads == 2) put_numbers(out.second, results.of[2].of + i);
      }
      if (walk.is_weighted) {
        for (int i = 0; i < kEach; ++i) value.of[i] = value.of[i] * rest.of[inputs].of[i];
      }
      if (walk.wants_grad) {
        for (int g = 0; g < grads; ++g) {
          Four<T>& grad = results.of[1 + g];
          if (walk.is_weighted) {
            for (int i = 0; i < kEach; ++i) grad.of[i] = grad.of[i] * rest.of[inputs + 1].of[i];
          }
          for (T& one : grad.of) one = one * scale;
          // Where an input is refused it stays what it was, even if its gradient would be written over it.
          if (outside || access == Access::any) continue;
          if constexpr (sizeof(T) == 4) {
            if (halves == 2) {
              write_half(c.grads[g], access == Access::eights_of_bfloat16, at, half, first[g], grad);
              continue;
            }
          }
          stream_four(c.grads[g].data, at, grad);
        }
      }
      if (access == Access::any) {
        const Fours<T, 1 + grads> written = results;
        write_any<T, grads>(c, at, n, outside, written);
        for (int i = 0; i < kEach; ++i) value.of[i] = i < n ? written.of[0].of[i] : T(0);
      } else if (walk.wants_values) {
        stream_four(c.values.data, at, value);
      }
      if (c.wants_sum) tally.add(value.of);
    }
  }
  if (blockIdx.x == 0 && threadIdx.x == 0) tally.count(c.rows);
  tally.end(c, outcome);
}

template <class Loss, class T>
struct ElementRun {
  static Code run(const Call& c, const Place& place) {
    using P = typename Loss::template Params<T>;
    const P params(c.params);
    const unsigned grid = grid_of(c.rows, kThreads * kEach, place.processors, 8);
    const Walk walk = walk_of<T, Loss::inputs, gradients_of<Loss>().count>(c);
    return launch(element_kernel<Loss, T, P>, grid, kThreads, 0, place.stream, c, walk, params,
                  place.scale_of<T>(), place.outcome_of<T>());
  }
};

}  // namespace

extern const DriverRuns elements_runs;
constinit const DriverRuns elements_runs = RunsOf<ElementRun, ElementLosses>::runs;

}  // namespace LOSSKIT_ISA
}  // namespace losskit
