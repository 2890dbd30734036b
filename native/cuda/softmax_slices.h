// The softmax of long rows in one read and one write of memory: a cluster of blocks for each row, a slice of
// a few chunks for each block, which keeps it in shared memory and registers from the first look to the
// gradient. A warp takes a chunk, and one warp more serves those of a block.
#pragma once

#include "cuda/softmax_run.h"
#include "cuda/softmax_server.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr unsigned kMostSlices = 16;  // blocks of a cluster
constexpr unsigned kMostEach = 8;  // chunks of a slice, for which there is room in the memory of a processor
/** So many chunks leave room for three blocks on a processor, of which one computes while others read and
 * write. */
constexpr unsigned kFewEach = 4;
constexpr unsigned kMostRegisters = 128;  // of a thread, for the same
/** Steps of a run whose exponentials are held in registers: of halves so many that the others have room
 * beside the scores, and the next row's can be read while this row's gradient waits; else what leaves room
 * for sums, as on devices without signals, which wait anyway. */
template <class S>
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
constexpr unsigned kHeld = 2;
#else
constexpr unsigned kHeld = sizeof(S) == 2 ? kSteps / 2 : 2;
#endif

/** What the threads of a block share, before its chunks, and the parts of rows. */
struct alignas(16) SliceMemory {
  BlockTally<float> tally;
  RowSignals signals;
  Signal read[kMostEach];
  float factors[kMostEach];
  ServerMemory server;
};

/** The memory of a chunk: of four runs, each in the order of the row, and of the four others, some bytes
 * further, so that equal slots of two of them are in different banks; scores first, and exponentials in as
 * much memory after them, or in their place. */
constexpr unsigned kPad = 4, kHalfRuns = kWarpRuns / 2;
constexpr unsigned kChunkSlots = 2 * kSteps * 32 + 4 * kPad;
constexpr size_t kChunkBytes = kChunkSlots * sizeof(Piece<float>);
/** Parts are those of this row, and of the next. */
constexpr size_t slice_bytes(unsigned each, uint64_t chunks) {
  return sizeof(SliceMemory) + each * kChunkBytes + 2 * chunks * sizeof(Part);
}
static_assert(3 * (slice_bytes(kFewEach, kFewEach* kMostSlices) + 1024) <= 228 << 10,
              "no room for three blocks in the 228 KB of a processor");
static_assert(4 * 32 * kMostRegisters <= 1 << 14, "no room for four warps in the registers of a scheduler");

/** What a warp does with its chunk. */
template <class S>
struct ChunkOfWarp {
  using Own = Share<S, kHeld<S>>;
  const Call& c;
  Piece<float>* slots;
  Signal& has_come;
  int columns;  // its own; none where there is no such chunk

  static constexpr unsigned kRunSlots = Own::kPace * kSteps * kRunThreads;
  static constexpr unsigned kHalfSlots = kHalfRuns * kRunSlots + kPad;
  static_assert((Own::kApart ? 4 : 2) * kHalfSlots <= kChunkSlots);

  /** The memory of a run, and this thread's share of its own: of four threads one after the other, every two
   * have runs in different banks. */
  LOSSKIT_INLINE Piece<float>* run_memory(unsigned run) const {
    return slots + run / kHalfRuns * kHalfSlots + run % kHalfRuns * kRunSlots;
  }
  static LOSSKIT_INLINE unsigned run() {
    const unsigned team = lane_of_warp() / kRunThreads;
    return team / 2 + team % 2 * kHalfRuns;
  }
  LOSSKIT_INLINE Own share() const {
    const bool brain = c.inputs[0].dtype == Dtype::bfloat16;
    return {run_memory(run()) + Own::thread(), kRunThreads, brain, kSteps,
            Own::kApart ? 2 * kHalfSlots - kRunSlots : 0};
  }

  /** Whether whole accesses reach the end of every row, and begin with it. */
  LOSSKIT_INLINE bool is_whole(const S* chunk) const {
    return c.columns % Piece<S>::numbers == 0 && in_pieces(chunk);
  }
  /** Where this thread's run begins, and how many numbers are there. */
  LOSSKIT_INLINE int first() const { return static_cast<int>(run() * kRun); }
  LOSSKIT_INLINE int left() const { return columns - first(); }

  /** Begins to read the scores. */
  LOSSKIT_INLINE void read(const S* chunk) const {
    if (columns == 0) return;
    if (!is_whole(chunk)) {
      share().read(OneByOne(), chunk + first(), left());
    } else if constexpr (kSignals) {
      read_in_bulk(chunk);
      if (left() < static_cast<int>(kRun)) share().fill(left());
    } else {
      share().read(Whole(), chunk + first(), left());
    }
  }

  /** Measures it; the exponentials are kept for a gradient. */
  LOSSKIT_INLINE Part measure(const S* chunk, unsigned turn, bool keeps, Held<kHeld<S>>& held) const {
    if (kSignals && is_whole(chunk)) {
      has_come.wait(turn);
    } else {
      finish_copies();
    }
    const float largest = largest_among(share().largest(), 32);
    const LaneSums lanes = share().exponentiate(largest, keeps, held);
    __syncwarp();  // the scores are read: sums may take their place
    share().leave(lanes, sums_of(run())[0], sums_of(run())[1]);
    __syncwarp();
    const Part part = gather(largest);
    __syncwarp();  // the sums are read: so may the next row's scores
    return part;
  }

  LOSSKIT_INLINE void write(S* chunk, float factor, const Held<kHeld<S>>& held) const {
    if (left() <= 0) return;
    S* const grads = chunk + first();
    using Fast = std::conditional_t<Own::kApart, Full, Whole>;
    if (is_whole(chunk) && (!Own::kApart || left() >= static_cast<int>(kRun))) {
      share().write(Fast(), grads, left(), factor, held);
    } else {  // also the end of a row, one run at most
      share().write(OneByOne(), grads, left(), factor, held);
    }
  }
  LOSSKIT_INLINE void clear(S* chunk) const {
    if (columns != 0) share().clear(chunk + first(), left());
  }

 private:
  LOSSKIT_INLINE void read_in_bulk(const S* chunk) const {
    settle_for_copies();
    if (lane_of_warp() != 0) return;
    constexpr unsigned half = kHalfRuns * kRun;
    const auto all = static_cast<unsigned>(columns), some = all < half ? all : half;
    has_come.give_with(all * sizeof(S));
    begin_bulk_copy(slots, chunk, some * sizeof(S), has_come);
    if (all > half) begin_bulk_copy(run_memory(kHalfRuns), chunk + half, (all - half) * sizeof(S), has_come);
  }

  /** The sums of a run's lanes, where its scores were: the whole parts, and the rest. */
  using RunSums = float[2][32];
  static_assert(sizeof(RunSums) <= kHeld<S> * 2 * kRunThreads * sizeof(Piece<float>));
  LOSSKIT_INLINE RunSums& sums_of(unsigned run) const { return *reinterpret_cast<RunSums*>(run_memory(run)); }

  /** Adds up what the threads of a warp found, in the order of measure_chunk: half of a warp the whole parts,
   * half the rest. */
  LOSSKIT_INLINE Part gather(float largest) const {
    double sum = 0;
    for (unsigned run = 0; run < kWarpRuns; ++run) {
      const auto& lanes = sums_of(run)[lane_of_warp() / kTeam];
      sum = sum + (static_cast<double>(lanes[lane()]) + static_cast<double>(lanes[lane() + kTeam]));
    }
    sum = sum_lanes(Doubles(sum));
    return {__shfl_sync(kWarp, sum, 0), __shfl_sync(kWarp, sum, kTeam), static_cast<double>(largest)};
  }
};

/** By the warps that have chunks, from row to row. A label is read a row ahead, so that nobody waits for it,
 * and the scores of the next row before the gradient of this one is written, where both have room. */
template <class S>
LOSSKIT_INLINE void take_chunks(const ClusterRows& rows, const ChunkOfWarp<S>& chunk, const float* factors) {
  const Call& c = rows.c;
  constexpr bool is_early = ChunkOfWarp<S>::Own::kApart;
  const unsigned warp = threadIdx.x / 32;
  const auto begin = static_cast<unsigned>((rows.first + warp) * kChunk);
  const auto scores_of = [&](unsigned row) {
    return static_cast<const S*>(c.inputs[0].data) + rows.place(row) + begin;
  };
  const auto grads_of = [&](unsigned row) {
    return static_cast<S*>(c.grads[0].data) + rows.place(row) + begin;
  };
  const auto bits_of = [&](unsigned row) { return row < c.rows ? label_bits<1>(c, row) : 0; };
  enum class Kind { labelled, ignored, bad };
  const auto kind_of = [&](uint64_t bits) {
    const int64_t label = label_of_bits<1>(c, bits);
    return label >= 0 ? Kind::labelled : label == kIgnored ? Kind::ignored : Kind::bad;
  };
  unsigned row = 0, next = rows.first_row(), turn = 0;
  Kind kind = Kind::bad;  // before the first there is none
  for (uint64_t next_bits = bits_of(next);;) {
    const bool is_last = next >= c.rows;
    const Kind next_kind = is_last ? Kind::bad : kind_of(next_bits);
    const bool reads = next_kind == Kind::labelled;
    next_bits = bits_of(rows.after(next));
    if (kind == Kind::labelled) {
      Held<kHeld<S>> held;
      if (chunk.columns != 0)
        rows.give(turn, rows.first + warp, chunk.measure(scores_of(row), turn, rows.wants_grad, held));
      if (reads && is_early) chunk.read(scores_of(next));
      rows.end_measuring();
      if (rows.wants_grad) {
        rows.await_factors(turn);
        chunk.write(grads_of(row), factors[warp], held);
        rows.end_writing();
      }
      ++turn;
    } else if (kind == Kind::ignored && rows.wants_grad) {
      chunk.clear(grads_of(row));
    }
    if (reads && !(is_early && kind == Kind::labelled)) chunk.read(scores_of(next));
    if (is_last) return;
    row = next;
    next = rows.after(row);
    kind = next_kind;
  }
}

template <class Loss, class S, class P>
__global__ void __maxnreg__(kMostRegisters)
    sliced_softmax_kernel(const __grid_constant__ Call c, const P params, const double* scale,
                          Outcome<float>* outcome, unsigned each) {
  SliceMemory& memory = *dynamic_shared<SliceMemory>();
  auto* const slots = reinterpret_cast<Piece<float>*>(&memory + 1);
  Tally<float> tally(memory.tally);
  const unsigned warp = threadIdx.x / 32, workers = blockDim.x / 32 - 1;
  const unsigned rank = rank_in_cluster(), first = rank * each;
  const auto chunks = static_cast<unsigned>(chunks_of(c)),
             own = chunks - first < each ? chunks - first : each;
  const ClusterRows rows = {c,
                            cluster_size(),
                            rank,
                            chunks,
                            first,
                            own,
                            memory.signals,
                            reinterpret_cast<Part*>(slots + each * kChunkSlots)};
  if (threadIdx.x == 0) {
    rows.begin(workers);
    for (Signal& one : memory.read) one.begin(1);
  }
  // Their memory may be written once all blocks have begun.
  if (rows.slices > 1) {
    synchronize_cluster();
  } else {
    __syncthreads();
  }
  if (warp == workers) {
    Server<Loss, P>(rows, params, scale, memory.server, memory.factors, tally).run();
  } else {
    const uint64_t begin = (first + warp) * kChunk, left = c.columns > begin ? c.columns - begin : 0;
    const ChunkOfWarp<S> chunk = {c, slots + warp * kChunkSlots, memory.read[warp],
                                  static_cast<int>(left < kChunk ? left : kChunk)};
    take_chunks(rows, chunk, memory.factors);
    meet_warps();
  }
  if (rows.slices > 1) synchronize_cluster();  // no block ends while another may write into its memory
  tally.end(c, outcome);
}

/** Into how many slices rows are cut, of how many chunks; 0 where they are too long. */
struct Cut {
  unsigned slices, each;
};

/** A device without clusters takes a row by a block, if that has the memory. */
inline Cut cut_of(uint64_t chunks, unsigned most_slices, size_t most_shared) {
  const uint64_t few = (chunks + kFewEach - 1) / kFewEach, wanted = few < most_slices ? few : most_slices;
  const uint64_t each = (chunks + wanted - 1) / wanted;
  if (each > kMostEach || slice_bytes(static_cast<unsigned>(each), chunks) > most_shared) return {0, 0};
  return {static_cast<unsigned>((chunks + each - 1) / each), static_cast<unsigned>(each)};
}

/** Puts it into the stream; `launched` tells whether the device can do it so. */
template <class Loss, class S>
Code launch_slices(const Call& c, const Place& place, bool& launched) {
  using P = typename Loss::template Params<double>;
  const auto kernel = sliced_softmax_kernel<Loss, S, P>;
  const bool in_clusters = has_clusters(kernel);
  const auto most_shared = static_cast<size_t>(attribute_of_device(cudaDevAttrMaxSharedMemoryPerBlockOptin));
  for (unsigned most : {in_clusters ? kMostSlices : 1, in_clusters ? kPlainCluster : 1}) {
    const Cut cut = cut_of(chunks_of(c), most, most_shared);
    if (cut.slices == 0) continue;
    Geometry geometry = {cut.slices, 32 * (cut.each + 1), slice_bytes(cut.each, chunks_of(c)), cut.slices};
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
