// Losses of the softmax of a row, by the length of the row: one thread, one warp, or one block for each.
#include "cuda/softmax_slices.h"
#include "cuda/softmax_teams.h"

#include "cuda/driver.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** Chunks whose maxima a block keeps; those of longer rows are found again. */
constexpr uint64_t kMaxima = 512;

/** Rows of few classes: a thread for each, which adds in the order of the classes. */
template <class Loss, class T, class P>
__global__ void __launch_bounds__(kThreads, kBlocks)
    tiny_softmax_kernel(const __grid_constant__ Call c, const P params, const double* scale,
                        Outcome<T>* outcome) {
  using V = vec<T, kTeam>;
  __shared__ BlockTally<T> block;
  Tally<T> tally(block);
  const bool by_weights = is_mean_weighted(c);
  const uint64_t stride = uint64_t(gridDim.x) * kThreads;
  for (uint64_t start = uint64_t(blockIdx.x) * kThreads; start < c.rows; start += stride) {
    const uint64_t row = start + threadIdx.x;
    const bool is_there = row < c.rows;
    const int64_t label = is_there ? label_at(c, row, tally) : kBad;
    Row<T> r{};
    r.label = label;
    const Scores<T> score(c, c.inputs[0], row);
    V shift(0);
    if (label >= 0) {
      V largest = score(0);
#pragma unroll 2
      for (uint64_t k = 1; k < c.columns; ++k) largest = max(V(score(k)), largest);
      shift = shift_of(largest.v);
      UnitSum<V> sum;
#pragma unroll 2
      for (uint64_t k = 0; k < c.columns; ++k) sum.add(exp_flushed(V(score(k)) - shift));
      const Chunk whole = {static_cast<double>(largest.v), static_cast<double>(sum.whole().v),
                           static_cast<double>(sum.rest().v), 0, 0};
      r = finish_row<Loss, false>(c, params, scale, row, label, score(static_cast<uint64_t>(label)), whole);
    }
    if (is_there && label != kBad && c.grads[0].data != nullptr) {
      const T factor = static_cast<T>(r.factor);
#pragma unroll 2
      for (uint64_t k = 0; k < c.columns; ++k) {
        const bool is_label = label >= 0 && k == static_cast<uint64_t>(label);
        const T grad = label == kIgnored ? T(0)
                       : is_label        ? r.label_grad
                                         : exp_flushed(V(score(k)) - shift).v * factor;
        put_float(c.grads[0], score.place(k), grad);
      }
    }
    if (is_there && c.values.data != nullptr) static_cast<T*>(c.values.data)[row] = r.value;
    const T value[1] = {r.value};
    if (c.wants_sum) tally.add(value);
    if (by_weights && c.wants_sum) tally.add_weight(r.weight);
    tally.count(label >= 0);
  }
  tally.end(c, outcome);
}

/** Rows of one chunk: a warp for each. */
template <class Loss, class T, class P>
__global__ void __launch_bounds__(kThreads, kBlocks)
    short_softmax_kernel(const __grid_constant__ Call c, const P params, const double* scale,
                         Outcome<T>* outcome) {
  __shared__ BlockTally<T> block;
  Tally<T> tally(block);
  const bool by_weights = is_mean_weighted(c), labelled = is_labelled<Loss>(c);
  const uint64_t stride = uint64_t(gridDim.x) * kWarps;
  for (uint64_t row = uint64_t(blockIdx.x) * kWarps + threadIdx.x / 32; row < c.rows; row += stride) {
    const int64_t label = labelled ? label_at(c, row, tally) : kNoLabel;
    const Scores<T> score(c, c.inputs[0], row);
    Row<T> r{};
    r.label = label;
    if (label >= 0 || !labelled) {
      const Chunk whole = measure_chunk<Loss>(c, row, score, 0);
      const T of_label = labelled ? score(static_cast<uint64_t>(label)) : T(0);
      r = finish_row<Loss>(c, params, scale, row, label, of_label, whole);
    }
    __syncwarp();  // every lane has read the label's score, which a gradient may replace
    if (label != kBad && c.grads[0].data != nullptr) write_chunk<Loss>(c, row, score, 0, r.max, r);
    const bool counts = lane_of_warp() == 0 && (label >= 0 || !labelled);
    if (lane_of_warp() == 0 && c.values.data != nullptr) static_cast<T*>(c.values.data)[row] = r.value;
    const T value[1] = {counts ? r.value : T(0)};
    if (c.wants_sum) tally.add(value);
    if (by_weights && c.wants_sum) tally.add_weight(counts ? r.weight : T(0));
    tally.count(counts);
  }
  tally.end(c, outcome);
}

// By one thread of a block, so that the others keep their registers for the scores.

/** The row up to its parts, with `count` of them. */
LOSSKIT_SELDOM Chunk combine_parts(const Chunk* row, const Chunk* part, uint64_t count) {
  Chunk all = row != nullptr ? combine(*row, part[0]) : part[0];
  for (uint64_t i = 1; i < count; ++i) all = combine(all, part[i]);
  return all;
}

/** Longer rows: a block for each, its warps taking chunks in turn. */
template <class Loss, class T, class P>
__global__ void __launch_bounds__(kThreads, kBlocks)
    long_softmax_kernel(const __grid_constant__ Call c, const P params, const double* scale,
                        Outcome<T>* outcome) {
  __shared__ BlockTally<T> block;
  __shared__ Chunk part[kWarps], whole;
  __shared__ double maxima[kMaxima];
  __shared__ Row<T> shared_row;
  Tally<T> tally(block);
  const bool by_weights = is_mean_weighted(c), labelled = is_labelled<Loss>(c),
             wants_grad = c.grads[0].data != nullptr;
  const unsigned warp = threadIdx.x / 32;
  const uint64_t chunks = chunks_of(c);
  for (uint64_t row = blockIdx.x; row < c.rows; row += gridDim.x) {
    const int64_t label = labelled ? (threadIdx.x == 0 ? label_at(c, row, tally) : kIgnored) : kNoLabel;
    if (threadIdx.x == 0) shared_row.label = label;
    __syncthreads();
    const bool counts = shared_row.label >= 0 || !labelled;
    const Scores<T> score(c, c.inputs[0], row);
    for (uint64_t first = 0; counts && first < chunks; first += kWarps) {
      const uint64_t k = first + warp;
      if (k < chunks) {
        const Chunk chunk = measure_chunk<Loss>(c, row, score, k);
        if (lane_of_warp() == 0) {
          part[warp] = chunk;
          if (k < kMaxima) maxima[k] = chunk.max;
        }
      }
      __syncthreads();
      if (threadIdx.x == 0) {
        const uint64_t count = chunks - first < kWarps ? chunks - first : kWarps;
        whole = combine_parts(first == 0 ? nullptr : &whole, part, count);
      }
      __syncthreads();
    }
    if (threadIdx.x == 0) {
      Row<T> r{};
      r.label = label;
      if (counts) {
        const T of_label = labelled ? score(static_cast<uint64_t>(label)) : T(0);
        r = finish_alone<Loss>(c, params, scale, row, label, of_label, whole);
      }
      shared_row = r;
      if (c.values.data != nullptr) static_cast<T*>(c.values.data)[row] = r.value;
    }
    __syncthreads();
    const Row<T> r = shared_row;
    if (wants_grad && r.label != kBad) {
      for (uint64_t k = warp; k < chunks; k += kWarps) {
        const bool is_known = k < kMaxima;
        // Of an ignored row nothing is measured, nor asked for.
        const double largest = !counts ? 0
                               : is_known
                                   ? maxima[k]
                                   : static_cast<double>(largest_of(score, k * kChunk, chunk_size(c, k)));
        write_chunk<Loss>(c, row, score, k, largest, r);
      }
    }
    if (warp == 0) {
      const bool gives = counts && lane_of_warp() == 0;
      const T value[1] = {gives ? r.value : T(0)};
      if (c.wants_sum) tally.add(value);
      if (by_weights && c.wants_sum) tally.add_weight(gives ? r.weight : T(0));
      tally.count(gives);
    }
    __syncthreads();  // the next row uses what this one shared
  }
  tally.end(c, outcome);
}

/** Labelled rows whose scores stand next to each other, stored as S. */
template <class Loss, class S>
Code run_plain(const Call& c, const Place& place, bool& launched) {
  if (c.columns > kWarpRuns * kRun) return launch_slices<Loss, S>(c, place, launched);
  launched = true;
  return launch_teams<Loss, S>(c, place);
}

template <class Loss, class T>
struct SoftmaxRun {
  static Code run(const Call& c, const Place& place) {
    using P = typename Loss::template Params<double>;
    if (is_tiny(c)) return launch_rows(tiny_softmax_kernel<Loss, T, P>, c, place, kThreads);
    if constexpr (sizeof(T) == 4) {
      const bool is_same = c.grads[0].data == nullptr || c.grads[0].dtype == c.inputs[0].dtype;
      if (!is_dense(c) && c.inner == 1 && is_same) {
        bool launched = false;
        const Code code = c.inputs[0].dtype == Dtype::float32 ? run_plain<Loss, float>(c, place, launched)
                                                              : run_plain<Loss, uint16_t>(c, place, launched);
        if (launched || code != cudaSuccess) return code;
      }
    }
    // In float32 only rows whose scores lie apart come here of losses that have labels only: a kernel less.
    if constexpr (sizeof(T) == 8 || requires { Loss::distributions; }) {
      if (c.columns <= kChunk) return launch_rows(short_softmax_kernel<Loss, T, P>, c, place, kWarps);
    }
    // Few rows at once, so that the second-level cache may still hold them when they are read again.
    return launch_rows(long_softmax_kernel<Loss, T, P>, c, place, 1, 4);
  }
};

}  // namespace

extern const DriverRuns softmax_runs;
constinit const DriverRuns softmax_runs = RunsOf<SoftmaxRun, SoftmaxLosses>::runs;

}  // namespace LOSSKIT_ISA
}  // namespace losskit
