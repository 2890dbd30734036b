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

/** The loss of element i of a thread's four. */
template <class Loss, class T, class P>
LOSSKIT_INLINE auto loss_of(const Four<T> (&x)[Loss::inputs], int i, const P& params) {
  using V = vec<T, kTeam>;
  if constexpr (Loss::inputs == 1) {
    return Loss::at(V(x[0].of[i]), params);
  } else if constexpr (Loss::inputs == 2) {
    return Loss::at(V(x[0].of[i]), V(x[1].of[i]), params);
  } else {
    return Loss::at(V(x[0].of[i]), V(x[1].of[i]), V(x[2].of[i]), params);
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
 * eight halves; or as it may, wherever the tensors differ, repeat or are not aligned, and at the end of the
 * batch. */
enum class Access { fours, eights, any };

template <class T, class Tensor>
LOSSKIT_INLINE bool has_fours(const Tensor& t, uint64_t rows) {
  return t.dtype == dtype_of<T> && t.size >= rows && reinterpret_cast<uintptr_t>(t.data) % sizeof(uint4) == 0;
}
template <class T, class Tensor>
LOSSKIT_INLINE bool has_eights(const Tensor& t, uint64_t rows) {
  return sizeof(T) == 4 && is_half(t.dtype) && t.size >= rows &&
         reinterpret_cast<uintptr_t>(t.data) % sizeof(uint4) == 0;
}

template <class T, int inputs, int grads>
LOSSKIT_INLINE Access access_of(const Call& c) {
  bool fours = true, eights = true;
  for (int k = 0; k < inputs; ++k) {
    fours = fours && has_fours<T>(c.inputs[k], c.rows);
    eights = eights && has_eights<T>(c.inputs[k], c.rows);
  }
  for (int g = 0; g < grads && c.grads[0].data != nullptr; ++g) {
    fours = fours && has_fours<T>(c.grads[g], c.rows);
    eights = eights && has_eights<T>(c.grads[g], c.rows);
  }
  const bool values = c.values.data == nullptr || has_fours<T>(c.values, c.rows);
  fours = fours && values;
  eights = eights && values;
  return fours ? Access::fours : eights ? Access::eights : Access::any;
}

/** What whole accesses gave: the bytes of four numbers, or of eight halves. */
template <class T>
struct Raw {
  static constexpr int kWords = sizeof(T) * kEach / sizeof(uint4);
  uint4 of[kWords];

  LOSSKIT_INLINE void read(const Tensor& t, uint64_t at, Access access) {
    if (sizeof(T) == 4 && access == Access::eights) at /= 2;
    const auto* from = reinterpret_cast<const uint4*>(static_cast<const T*>(t.data) + at);
    for (int k = 0; k < kWords; ++k) of[k] = __ldcs(from + k);
  }
  LOSSKIT_INLINE Four<T> numbers(Access access, Dtype dtype, int half) const {
    if constexpr (sizeof(T) == 4) {
      const uint4& all = of[0];
      if (access == Access::eights) {
        return four_of_halves<T>(half == 0 ? uint2{all.x, all.y} : uint2{all.z, all.w}, dtype);
      }
    }
    return bit_copy<Four<T>>(*this);
  }
};

/** Fours of several tensors. */
template <class T, int n>
struct Fours {
  Four<T> of[n];
};

/** Reads what is not read in whole accesses: the inputs, if `any`, then the weight and the incoming gradient,
 * 1 where there is none. Into memory, for registers would have to be kept for what is rare. */
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
template <class T>
LOSSKIT_INLINE void write_whole(const MutableTensor& t, Access access, uint64_t at, int half, uint2& first,
                                const Four<T>& x) {
  if constexpr (sizeof(T) == 4) {
    if (access == Access::eights) {
      const uint2 words = halves_of_four(x, t.dtype);
      auto* to = reinterpret_cast<uint4*>(static_cast<uint16_t*>(t.data) + (at - kEach));
      if (half != 0) __stcs(to, uint4{first.x, first.y, words.x, words.y});
      first = words;
      return;
    }
  }
  stream_four(t.data, at, x);
}

/** Blocks that a processor is to have registers for: as many as the formula leaves. */
template <class Loss, class T>
constexpr int resident() {
  if constexpr (sizeof(T) == 8) {
    return kBlocks;
  } else if constexpr (requires { Loss::wide; }) {
    return 3;
  } else {
    return Loss::inputs == 3 ? 3 : 4;
  }
}

/** One kernel whatever is wanted: the library is half as large, and memory sets the pace. */
template <class Loss, class T, class P>
__global__ void __launch_bounds__(kThreads, resident<Loss, T>())
    element_kernel(const __grid_constant__ Call c, const P params, const double* known_scale,
                   Outcome<T>* outcome) {
  constexpr int inputs = Loss::inputs, grads = gradients_of<Loss>().count;
  __shared__ BlockTally<T, false> block;
  Tally<T, false> tally(block);
  const bool wants_grad = c.grads[0].data != nullptr;
  const bool is_weighted = c.weight.data != nullptr || c.upstream.data != nullptr;
  const T scale = static_cast<T>(known_scale != nullptr ? *known_scale : c.scale);

  Access access = access_of<T, inputs, grads>(c);
  int halves = access == Access::eights ? 2 : 1;
  // The first block takes what is left at the end.
  uint64_t end = access == Access::any ? c.rows : c.rows - c.rows % static_cast<unsigned>(halves * kEach);
  for (uint64_t start = uint64_t(blockIdx.x) * kThreads * static_cast<unsigned>(halves * kEach);;
       start += uint64_t(gridDim.x) * kThreads * static_cast<unsigned>(halves * kEach)) {
    if (start >= end) {
      if (blockIdx.x != 0 || end == c.rows) break;
      start = end;
      end = c.rows;
      access = Access::any;
      halves = 1;
    }
    uint64_t at = start + threadIdx.x * static_cast<unsigned>(halves * kEach);
    Raw<T> raw[inputs];
    for (int k = 0; k < inputs; ++k) {
      if (access != Access::any && at < end) {
        raw[k].read(c.inputs[k], at, access);
      } else {
        raw[k] = {};
      }
    }
    uint2 first[grads];
    bool outside = false;
#pragma unroll 1
    for (int half = 0; half < halves; ++half, at += kEach) {
      const int n = at >= end ? 0 : end - at < kEach ? static_cast<int>(end - at) : kEach;
      Four<T> x[inputs];
      Fours<T, inputs + 2> rest;
      if (access == Access::any || is_weighted) read_rest<T, inputs>(c, access == Access::any, at, n, rest);
      for (int k = 0; k < inputs; ++k) {
        x[k] = access == Access::any ? rest.of[k] : raw[k].numbers(access, c.inputs[k].dtype, half);
      }
      Fours<T, 1 + grads> results;
      auto& value = results.of[0];
      for (int i = 0; i < kEach; ++i) {
        if (i < n) outside |= is_outside<Loss>(x, i, at + static_cast<uint64_t>(i), params, tally);
        const auto out = loss_of<Loss>(x, i, params);
        value.of[i] = out.value.v;
        results.of[1].of[i] = out.grad.v;
        if constexpr (grads == 2) results.of[2].of[i] = out.second.v;
      }
      if (is_weighted) {
        for (int i = 0; i < kEach; ++i) {
          const T weight = rest.of[inputs].of[i], factor = rest.of[inputs + 1].of[i] * weight;
          value.of[i] = value.of[i] * weight;
          for (int g = 0; g < grads; ++g) results.of[1 + g].of[i] = results.of[1 + g].of[i] * factor;
        }
      }
      if (wants_grad) {
        for (int g = 0; g < grads; ++g) {
          for (T& one : results.of[1 + g].of) one = one * scale;
        }
      }
      // Where an input is refused it stays what it was, even if its gradient would be written over it.
      if (access == Access::any) {
        const Fours<T, 1 + grads> written = results;
        write_any<T, grads>(c, at, n, outside, written);
        value = written.of[0];
      } else if (n != 0) {
        if (c.values.data != nullptr) stream_four(c.values.data, at, value);
        for (int g = 0; g < grads && wants_grad && !outside; ++g) {
          write_whole(c.grads[g], access, at, half, first[g], results.of[1 + g]);
        }
      }
      if (!c.wants_sum) continue;
      if (n != kEach) {
        for (int i = 0; i < kEach; ++i) value.of[i] = i < n ? value.of[i] : T(0);
      }
      tally.add(value.of);
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
    return launch(element_kernel<Loss, T, P>, grid, kThreads, 0, place.stream, c, params, place.scale_of<T>(),
                  place.outcome_of<T>());
  }
};

}  // namespace

extern const DriverRuns elements_runs;
constinit const DriverRuns elements_runs = RunsOf<ElementRun, ElementLosses>::runs;

}  // namespace LOSSKIT_ISA
}  // namespace losskit
