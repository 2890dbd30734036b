// The softmax of long rows in one read and one write of memory: a cluster of blocks for each row, a slice of
// a few chunks for each block, which keeps it in shared memory from the first look to the gradient. A warp
// takes a chunk.
#pragma once

#include "cuda/cluster.h"
#include "cuda/softmax_run.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr unsigned kMostSlices = 16;  // blocks of a cluster
constexpr unsigned kMostEach = 8;   // chunks of a slice, for which there is room in the memory of a processor
constexpr unsigned kMostWarps = 4;  // that take chunks
/** So many chunks leave room for three blocks on a processor, of which one computes while others read and
 * write. */
constexpr unsigned kFewEach = 4;

/** The sums of a chunk, and how it meets the row before it. */
struct Met {
  double max, whole, rest, fade;
  Meets how;
};

/** A measured row that waits to be finished, and where the score of its label stands. */
struct WaitingRow {
  double max, whole, rest, score, weight, incoming;
  uint64_t row, place;
};
constexpr unsigned kMostWaiting = 8;  // and one that is being measured

/** What the threads of a block share, before the chunks themselves. */
struct alignas(16) SliceMemory {
  BlockTally<float> tally;
  Chunk parts[2][kMostEach];  // of this row, and of the one before, which other blocks may still read
  float factor[kMostEach];
  WaitingRow waiting[kMostWaiting + 1];
  float sums[kMostWarps][2][kWarpRuns][32];  // by runs and lanes: the whole parts, and the rest
  Met met[32];
};

constexpr size_t kChunkBytes = kChunk * sizeof(float);
constexpr size_t slice_bytes(unsigned each) { return sizeof(SliceMemory) + each * kChunkBytes; }
static_assert(3 * (slice_bytes(kFewEach) + 1024) <= 228 << 10,
              "no room for three blocks in the 228 KB of a processor");

/** A block's slice of a row. */
template <class S>
struct Slice {
  SliceMemory& memory;
  Piece<float>* slots;
  bool brain;
  unsigned chunks;   // of the slice
  uint64_t columns;  // of the row, from the slice's first on

  /** Of warps that take chunks; one more serves them. */
  static LOSSKIT_INLINE unsigned warps() { return blockDim.x / 32 - 1; }
  static LOSSKIT_INLINE unsigned warp() { return threadIdx.x / 32; }
  static LOSSKIT_INLINE bool serves() { return warp() == warps(); }

  /** This thread's share of a chunk: neighbours keep their numbers next to each other. */
  LOSSKIT_INLINE Share<S> share(unsigned chunk) const {
    return {slots + chunk * (kChunkBytes / sizeof(Piece<float>)) + lane_of_warp(), 32, brain};
  }

  /** Calls f(chunk, share, how, where its run begins, how many numbers are left from there) for the chunks of
   * this warp. */
  template <class F>
  LOSSKIT_INLINE void each_chunk(const S* row, F f) const {
    const bool whole = in_pieces(row) && columns % Piece<S>::numbers == 0;
    for (unsigned k = warp(); k < chunks; k += warps()) {
      const unsigned begin = k * kChunk, first = begin + lane_of_warp() / kRunThreads * kRun;
      const auto left = static_cast<int64_t>(columns) - static_cast<int64_t>(first);
      if (whole) {
        f(k, share(k), Whole(), first, left);
      } else {
        f(k, share(k), OneByOne(), first, left);
      }
    }
  }

  /** Begins to read the scores. */
  LOSSKIT_INLINE void read(const S* scores) const {
    each_chunk(scores, [&](unsigned, const Share<S>& share, auto how, unsigned first, int64_t left) {
      share.read(how, scores + first, left);
    });
  }

  /** Measures its chunks: the exponentials are kept for a gradient. */
  LOSSKIT_INLINE void measure(bool keeps, Chunk* parts) const {
    for (unsigned k = warp(); k < chunks; k += warps()) {
      const float largest = largest_among(share(k).largest(), 32);
      auto& sums = memory.sums[warp()];
      const unsigned run = lane_of_warp() / kRunThreads;
      share(k).exponentiate(largest, keeps, sums[0][run], sums[1][run]);
      __syncwarp();
      gather(largest, sums[lane_of_warp() / kTeam], parts[k]);
      __syncwarp();
    }
  }

  LOSSKIT_INLINE void write(S* grads) const {
    each_chunk(grads, [&](unsigned k, const Share<S>& share, auto how, unsigned first, int64_t left) {
      share.write(how, grads + first, left, memory.factor[k]);
    });
  }

  LOSSKIT_INLINE void clear(S* grads) const {
    each_chunk(grads, [&](unsigned, const Share<S>& share, auto how, unsigned first, int64_t left) {
      share.clear(how, grads + first, left);
    });
  }

 private:
  /** Adds up what the threads of a warp found, in the order of measure_chunk: half of a warp the whole parts,
   * half the rest. */
  static LOSSKIT_INLINE void gather(float largest, const float (&sums)[kWarpRuns][32], Chunk& part) {
    double sum = 0;
    for (const auto& run : sums) {
      sum = sum + (static_cast<double>(run[lane()]) + static_cast<double>(run[lane() + kTeam]));
    }
    sum = sum_lanes(Doubles(sum));
    const double rest = __shfl_sync(kWarp, sum, kTeam);
    if (lane_of_warp() == 0) part = {static_cast<double>(largest), sum, rest, 0, 0};
  }
};

/** The parts of a row, each of which the block that measured it has. */
struct PartsOfRow {
  Chunk* own;
  unsigned each, chunks;

  LOSSKIT_INLINE const Chunk& operator[](unsigned k) const { return *in_block(own + k % each, k / each); }
};

/** The largest score of a row, by a warp. */
LOSSKIT_INLINE double largest_part(const PartsOfRow& parts) {
  double largest = -infinity<double>;
  for (unsigned k = lane_of_warp(); k < parts.chunks; k += 32)
    largest = parts[k].max > largest ? parts[k].max : largest;
  return largest_among(largest, 32);
}

/** The row from its parts, by a warp: one after the other, as all that does not wait for the one before is
 * found by all lanes at once. */
LOSSKIT_INLINE Chunk combine_parts(const PartsOfRow& parts, Met (&met)[32]) {
  Chunk row{};
  for (unsigned first = 0; first < parts.chunks; first += 32) {
    const unsigned k = first + lane_of_warp();
    Chunk own = {-infinity<double>, 0, 0, 0, 0};
    if (k < parts.chunks) own = parts[k];
    double before = own.max;  // the largest up to this chunk, and then up to the one before
    for (unsigned distance = 1; distance < 32; distance *= 2) {
      const double other = __shfl_up_sync(kWarp, before, distance);
      if (lane_of_warp() >= distance && other > before) before = other;
    }
    before = __shfl_up_sync(kWarp, before, 1);
    if (lane_of_warp() == 0 || (first > 0 && row.max > before)) before = row.max;
    const Meets how = meets(before, own.max);
    __syncwarp();  // until all have read those of before
    met[lane_of_warp()] = {own.max, own.whole, own.rest, k > 0 ? fading(before, own.max, how) : 1, how};
    __syncwarp();
    const unsigned count = parts.chunks - first < 32 ? parts.chunks - first : 32;
#pragma unroll 2
    for (unsigned i = 0; i < count; ++i) {
      const Chunk chunk = {met[i].max, met[i].whole, met[i].rest, 0, 0};
      row = first + i == 0 ? chunk : combine(row, chunk, met[i].how, met[i].fade);
    }
  }
  return row;
}

/** Finishes the rows that wait, by a warp, one for each lane: the value, which the first block of a cluster
 * gives, and the gradient of the label, by the block whose slice it stands in. All other gradients of the row
 * are written. */
template <class Loss, class P>
LOSSKIT_INLINE void finish_waiting(const Call& c, const P& params, const WaitingRow* waiting, unsigned count,
                                   unsigned rank, uint64_t begin, uint64_t columns, Tally<float>& tally) {
  if (lane_of_warp() >= count) return;
  const bool wants_grad = c.grads[0].data != nullptr;
  const WaitingRow& w = waiting[lane_of_warp()];
  const FinishedRows done = finish_labelled<Loss>(
      params, wants_grad, {w.max, w.whole, w.rest, 0, 0, w.score, w.weight, w.incoming});
  const uint64_t column = w.place - Scores<float>(c, c.inputs[0], w.row).first - begin;
  if (wants_grad && column < columns) put_float(c.grads[0], w.place, static_cast<float>(done.label_grad.v));
  if (rank != 0) return;
  const auto value = static_cast<float>(done.value.v);
  if (c.values.data != nullptr) static_cast<float*>(c.values.data)[w.row] = value;
  if (c.wants_sum) tally.add_alone(value);
  if (c.wants_sum && is_mean_weighted(c)) tally.add_weight_alone(static_cast<float>(w.weight));
  tally.count(1);
}

/** Most warps read, measure and write; one combines what they measured, while they go on to the next row,
 * whose scores are on their way before the gradient of this one is written. What nobody waits for, it does
 * for many rows at once. */
template <class Loss, class S, class P>
__global__ void __launch_bounds__(32 * (kMostWarps + 1), 3)
    sliced_softmax_kernel(const __grid_constant__ Call c, const P params, const double* scale,
                          Outcome<float>* outcome, unsigned each) {
  SliceMemory& memory = *dynamic_shared<SliceMemory>();
  Tally<float> tally(memory.tally);
  const bool wants_grad = c.grads[0].data != nullptr;
  const unsigned slices = cluster_size(), rank = rank_in_cluster();
  const auto chunks = static_cast<unsigned>(chunks_of(c)), first = rank * each;
  const uint64_t begin = first * kChunk;
  const Slice<S> slice = {memory, reinterpret_cast<Piece<float>*>(&memory + 1),
                          c.inputs[0].dtype == Dtype::bfloat16, chunks - first < each ? chunks - first : each,
                          c.columns - begin};
  const bool serves = slice.serves();
  const auto place_of = [&](uint64_t row) { return Scores<float>(c, c.inputs[0], row).first; };
  const auto read = [&](uint64_t row) {
    if (!serves) slice.read(static_cast<const S*>(c.inputs[0].data) + place_of(row) + begin);
  };
  unsigned turn = 0, waiting = 0;
  const auto finish = [&](unsigned count) {
    finish_waiting<Loss>(c, params, memory.waiting, count, rank, begin, slice.chunks * kChunk, tally);
    __syncwarp();
  };
  /** What the gradient of the row waits for. */
  const auto serve = [&](Chunk* parts) {
    const PartsOfRow of_row = {parts, each, chunks};
    double sunk = 1;  // how far the maximum of a chunk of this slice is below that of the row
    if (wants_grad) {
      const double largest = largest_part(of_row);
      if (lane_of_warp() < slice.chunks) sunk = factor_of(1, largest, parts[lane_of_warp()].max);
    }
    const Chunk whole = combine_parts(of_row, memory.met);
    WaitingRow& w = memory.waiting[waiting++];
    if (wants_grad) {
      const MeasuredRows m = {whole.max, whole.whole, whole.rest, 0, 0, w.score, w.weight, w.incoming};
      const double factor = finish_labelled<Loss>(params, true, m).factor.v;
      if (lane_of_warp() < slice.chunks) memory.factor[lane_of_warp()] = static_cast<float>(factor * sunk);
    }
    if (lane_of_warp() == 0) {
      w.max = whole.max;
      w.whole = whole.whole;
      w.rest = whole.rest;
    }
    __syncwarp();
  };
  uint64_t row = blockIdx.x / slices;
  int64_t label = row < c.rows ? label_of<1>(c, row) : kBad;
  if (label >= 0) read(row);
  while (row < c.rows) {
    const uint64_t next = row + gridDim.x / slices, place = place_of(row);
    const int64_t next_label = next < c.rows ? label_of<1>(c, next) : kBad;
    S* const grads = static_cast<S*>(c.grads[0].data) + place + begin;
    if (label >= 0) {
      Chunk* const parts = memory.parts[turn++ % 2];
      if (!serves) {
        slice.measure(wants_grad, parts);
        if (!wants_grad && next_label >= 0) read(next);
      } else if (lane_of_warp() == 0) {
        WaitingRow& w = memory.waiting[waiting];
        w.row = row;
        w.place = place + static_cast<uint64_t>(label);
        w.score =
            static_cast<double>(float_at<float>(c.inputs[0], w.place));  // before a gradient stands there
        w.weight = static_cast<double>(class_weight<float>(c, label));
        w.incoming = wants_grad ? incoming_gradient(c, scale, row) : 0;
      }
      if (slices > 1) {
        synchronize_cluster();
      } else {
        __syncthreads();
      }
      if (serves) serve(parts);
      if (wants_grad) {
        __syncthreads();
        if (!serves) slice.write(grads);
      }
      // The gradients of all rows but this one are written.
      if (serves && waiting > kMostWaiting) {
        finish(kMostWaiting);
        if (lane_of_warp() == 0) memory.waiting[0] = memory.waiting[kMostWaiting];
        __syncwarp();
        waiting = 1;
      }
    } else {
      if (label == kIgnored && !serves && wants_grad) slice.clear(grads);
      if (serves && rank == 0 && lane_of_warp() == 0) {
        if (label == kBad) tally.fault(row, 1, Status::label);
        if (c.values.data != nullptr) static_cast<float*>(c.values.data)[row] = 0;
      }
    }
    if ((wants_grad || label < 0) && next_label >= 0) read(next);
    row = next;
    label = next_label;
  }
  __syncthreads();
  if (serves) finish(waiting);
  if (slices > 1) synchronize_cluster();  // others may read the parts of this block
  tally.end(c, outcome);
}

/** Into how many slices rows are cut, of how many chunks; 0 where they are too long. */
struct Cut {
  unsigned slices, each;
};

/** A device without clusters takes a row by a block, if that has the memory. */
inline Cut cut_of(uint64_t chunks, unsigned most_slices, size_t most_shared) {
  const size_t room = (most_shared - sizeof(SliceMemory)) / kChunkBytes;
  const uint64_t few = (chunks + kFewEach - 1) / kFewEach, wanted = few < most_slices ? few : most_slices;
  const uint64_t each = (chunks + wanted - 1) / wanted;
  if (each > room || each > kMostEach) return {0, 0};
  return {static_cast<unsigned>((chunks + each - 1) / each), static_cast<unsigned>(each)};
}

/** Puts it into the stream; `launched` tells whether the device can do it so. */
template <class Loss, class S>
Code launch_slices(const Call& c, const Place& place, bool& launched) {
  using P = typename Loss::template Params<double>;
  const auto kernel = sliced_softmax_kernel<Loss, S, P>;
  const bool has_clusters = attribute_of_device(cudaDevAttrComputeCapabilityMajor) >= 9;
  const auto most_shared = static_cast<size_t>(attribute_of_device(cudaDevAttrMaxSharedMemoryPerBlockOptin));
  for (unsigned most : {has_clusters ? kMostSlices : 1, has_clusters ? kPlainCluster : 1}) {
    const Cut cut = cut_of(chunks_of(c), most, most_shared);
    if (cut.slices == 0) continue;
    Geometry geometry = {cut.slices, 32 * ((cut.each < kMostWarps ? cut.each : kMostWarps) + 1),
                         slice_bytes(cut.each), cut.slices};
    int at_once = 0;
    // An error tells that clusters are larger than those of this device, as 0 does.
    if (clusters_at_once(kernel, geometry, place.processors, &at_once) != cudaSuccess) cudaGetLastError();
    if (at_once == 0) continue;
    geometry.grid = grid_of(c.rows, 1, at_once, 1) * cut.slices;
    launched = true;
    return launch(kernel, geometry, place.stream, c, P(c.params), place.scale_of<float>(),
                  place.outcome_of<float>(), cut.each);
  }
  return cudaSuccess;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
