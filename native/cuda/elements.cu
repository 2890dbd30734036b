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

constexpr int kThreads = 256;

/** The loss of element i of a thread's four. */
template <class Loss, class T, class P>
LOSSKIT_INLINE auto loss_of(const T (&x)[Loss::inputs][kEach], int i, const P& params) {
  using V = vec<T, kTeam>;
  if constexpr (Loss::inputs == 1) {
    return Loss::at(V(x[0][i]), params);
  } else if constexpr (Loss::inputs == 2) {
    return Loss::at(V(x[0][i]), V(x[1][i]), params);
  } else {
    return Loss::at(V(x[0][i]), V(x[1][i]), V(x[2][i]), params);
  }
}

/** Whether element i leaves the domain of an input, which is noted. */
template <class Loss, int input, class T, class P>
LOSSKIT_INLINE bool leaves(const T (&x)[Loss::inputs][kEach], int i, uint64_t index, const P& params,
                           Tally<T>& tally) {
  if constexpr (is_checked<Loss, input>()) {
    const auto outside = Loss::template outside<input>(vec<T, kTeam>(x[input][i]), params);
    if (any(outside)) tally.fault(index, input, Status::domain);
    return any(outside);
  } else {
    return false;
  }
}

/** Whether it leaves that of any. */
template <class Loss, class T, class P>
LOSSKIT_INLINE bool is_outside(const T (&x)[Loss::inputs][kEach], int i, uint64_t index, const P& params,
                               Tally<T>& tally) {
  const bool first = leaves<Loss, 0>(x, i, index, params, tally);
  const bool second = leaves<Loss, 1>(x, i, index, params, tally);
  return leaves<Loss, 2>(x, i, index, params, tally) || first || second;
}

template <class Loss, class T, bool wants_grad, class P>
__global__ void __launch_bounds__(kThreads)
    element_kernel(const Call c, const P params, Outcome<T>* outcome) {
  constexpr int grads = gradients_of<Loss>().count;
  __shared__ BlockTally<T> block;
  Tally<T> tally(block);
  const bool weighs_values = c.weight.data != nullptr,
             weighs_grads = weighs_values || c.upstream.data != nullptr;
  const T scale = static_cast<T>(c.scale);
  const uint64_t stride = uint64_t(gridDim.x) * kThreads * kEach;
  for (uint64_t start = uint64_t(blockIdx.x) * kThreads * kEach; start < c.rows; start += stride) {
    const uint64_t at = start + threadIdx.x * kEach;
    const int n = at >= c.rows ? 0 : c.rows - at < kEach ? static_cast<int>(c.rows - at) : kEach;
    T x[Loss::inputs][kEach], value[kEach], grad[grads][kEach], value_factor[kEach], grad_factor[kEach];
    for (int k = 0; k < Loss::inputs; ++k) read_each(c.inputs[k], at, n, x[k]);
    if (weighs_grads) {
      for (T& one : value_factor) one = T(1);
      if (weighs_values) read_each(c.weight, at, n, value_factor);
      for (int i = 0; i < kEach; ++i) grad_factor[i] = value_factor[i];
      if (c.upstream.data != nullptr) {
        read_each(c.upstream, at, n, grad_factor);
        for (int i = 0; i < kEach; ++i) grad_factor[i] = grad_factor[i] * value_factor[i];
      }
    }
    bool outside = false;
    for (int i = 0; i < kEach; ++i) {
      if (i < n) outside |= is_outside<Loss>(x, i, at + static_cast<uint64_t>(i), params, tally);
      auto out = loss_of<Loss>(x, i, params);
      if (weighs_grads) {
        out.value.v = out.value.v * value_factor[i];
        out.grad.v = out.grad.v * grad_factor[i];
        if constexpr (grads == 2) out.second.v = out.second.v * grad_factor[i];
      }
      value[i] = i < n ? out.value.v : T(0);
      if constexpr (wants_grad) {
        grad[0][i] = out.grad.v * scale;
        if constexpr (grads == 2) grad[1][i] = out.second.v * scale;
      }
    }
    if (c.wants_sum) tally.add(value);
    if (c.values.data != nullptr) write_each(c.values, at, n, value);
    if constexpr (wants_grad) {
      // Where an input is refused it stays what it was, even if its gradient would be written over it.
      for (int g = 0; g < grads && !outside; ++g) write_each(c.grads[g], at, n, grad[g]);
    }
    tally.count(static_cast<unsigned>(n));
  }
  tally.end(c, outcome);
}

template <class Loss, class T>
Code run_elements(const Call& c, const Place& place) {
  using P = typename Loss::template Params<T>;
  const P params(c.params);
  const unsigned grid = grid_of(c.rows, kThreads * kEach, place.processors, 8);
  const auto kernel =
      c.grads[0].data != nullptr ? element_kernel<Loss, T, true, P> : element_kernel<Loss, T, false, P>;
  return launch(kernel, grid, kThreads, 0, place.stream, c, params, place.outcome_of<T>());
}

template <class T, class... L>
constexpr RunsOf<sizeof...(L)> runs(List<L...>) {
  return {{run_elements<L, T>...}};
}

constexpr auto kF32 = runs<float>(ElementLosses());
constexpr auto kF64 = runs<double>(ElementLosses());

}  // namespace

extern const DriverRuns elements_runs;
constinit const DriverRuns elements_runs = {kF32.of, kF64.of};

}  // namespace LOSSKIT_ISA
}  // namespace losskit
