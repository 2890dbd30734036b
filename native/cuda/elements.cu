// Losses over elements: four neighbouring elements for each thread, blocks in strides over the batch.
//
// Four numbers of each tensor are one access of 16 bytes, or 8 of a half type. The formula is that of the
// processor's kernels, element by element; values are summed as integers, so neither grid nor order is seen
// in the result.
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

/** One kernel whatever is wanted: the library is half as large, and memory sets the pace. */
template <class Loss, class T, class P>
__global__ void __launch_bounds__(kThreads, kBlocks)
    element_kernel(const __grid_constant__ Call c, const P params, const double* known_scale,
                   Outcome<T>* outcome) {
  constexpr int grads = gradients_of<Loss>().count;
  __shared__ BlockTally<T, false> block;
  Tally<T, false> tally(block);
  const bool wants_grad = c.grads[0].data != nullptr;
  const bool is_weighted = c.weight.data != nullptr || c.upstream.data != nullptr;
  const T scale = static_cast<T>(known_scale != nullptr ? *known_scale : c.scale);
  const uint64_t stride = uint64_t(gridDim.x) * kThreads * kEach;
  for (uint64_t start = uint64_t(blockIdx.x) * kThreads * kEach; start < c.rows; start += stride) {
    const uint64_t at = start + threadIdx.x * kEach;
    const int n = at >= c.rows ? 0 : c.rows - at < kEach ? static_cast<int>(c.rows - at) : kEach;
    Four<T> x[Loss::inputs], value, grad[grads], value_factor, grad_factor;
    for (int k = 0; k < Loss::inputs; ++k) x[k] = read_each<T>(c.inputs[k], at, n);
    if (is_weighted) {
      for (T& one : value_factor.of) one = T(1);
      if (c.weight.data != nullptr) value_factor = read_each<T>(c.weight, at, n);
      grad_factor = value_factor;
      if (c.upstream.data != nullptr) {
        grad_factor = read_each<T>(c.upstream, at, n);
        for (int i = 0; i < kEach; ++i) grad_factor.of[i] = grad_factor.of[i] * value_factor.of[i];
      }
    }
    bool outside = false;
    for (int i = 0; i < kEach; ++i) {
      if (i < n) outside |= is_outside<Loss>(x, i, at + static_cast<uint64_t>(i), params, tally);
      auto out = loss_of<Loss>(x, i, params);
      if (is_weighted) {
        out.value.v = out.value.v * value_factor.of[i];
        out.grad.v = out.grad.v * grad_factor.of[i];
        if constexpr (grads == 2) out.second.v = out.second.v * grad_factor.of[i];
      }
      value.of[i] = i < n ? out.value.v : T(0);
      if (wants_grad) {
        grad[0].of[i] = out.grad.v * scale;
        if constexpr (grads == 2) grad[1].of[i] = out.second.v * scale;
      }
    }
    if (c.wants_sum) tally.add(value.of);
    if (c.values.data != nullptr) write_each(c.values, at, n, value);
    if (wants_grad) {
      // Where an input is refused it stays what it was, even if its gradient would be written over it.
      for (int g = 0; g < grads && !outside; ++g) write_each(c.grads[g], at, n, grad[g]);
    }
    tally.count(static_cast<unsigned>(n));
  }
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
