// The Lovász losses. Every list of errors (of a row, or of a class of a row) is sorted by blocks that sort
// 1024 pixels each and merge what is sorted two by two; then a block walks down each list. Pixels without an
// error are sorted as well, behind the others: nothing has to know how many there are. No two pixels are
// equal, for those with the same error stand in their order, so that there is one order only.
#include "cuda/driver.h"
#include "cuda/ranked.h"
#include "cuda/rows.h"
#include "losses/catalogue.h"
#include "losses/lovasz.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** What is known of a list. */
struct ListInfo {
  Word size;  // pixels of the object
  double loss;
  unsigned saw_nan;
};

/** Memory of a call. */
struct Lists {
  Word* fault;  // as an outcome has it
  ListInfo* info;
  Ranked *items, *sorted;  // of as many lists as are sorted at once
};

LOSSKIT_INLINE Ranked ranked(const PixelError& error, uint64_t position, bool is_object, bool& saw_nan) {
  saw_nan |= error.error != error.error;
  const uint64_t key = error.error > 0 ? bit_copy<uint64_t>(error.error) : 0;
  return {key, position * 4 + (error.falls ? 2u : 0u) + (is_object ? 1u : 0u)};
}

// Where the lists of a loss are, how many, and of what; `counts_first` says that the sizes of all objects
// must be known before a list is walked.

/** A list for each row of logits. */
template <class T>
struct HingeLists {
  const Call& c;

  static constexpr uint64_t count(const Call& c) { return c.rows; }
  static constexpr uint64_t pixels(const Call& c) { return c.columns; }
  static constexpr bool counts_first = false;

  LOSSKIT_INLINE uint64_t row_of(uint64_t list) const { return list; }
  LOSSKIT_INLINE uint64_t place(uint64_t list, uint64_t position) const {
    return list * c.columns + position;
  }
  LOSSKIT_INLINE Ranked item(uint64_t list, uint64_t position, bool& saw_nan, Word* fault) const {
    const uint64_t at = place(list, position);
    const T target = number_at<T>(c.inputs[1], at);
    if (target != T(0) && target != T(1)) atomicMax(fault, ~fault_place(at, 1, Status::domain));
    const bool is_object = target == T(1);
    return ranked(hinge_error(static_cast<double>(float_at<T>(c.inputs[0], at)), is_object), position,
                  is_object, saw_nan);
  }
};

/** A list for each class of each row of probabilities. */
template <class T>
struct ClassLists {
  const Call& c;

  static constexpr uint64_t count(const Call& c) { return c.rows * c.others; }
  static constexpr uint64_t pixels(const Call& c) { return c.inner * c.columns; }
  static constexpr bool counts_first = true;

  LOSSKIT_INLINE uint64_t row_of(uint64_t list) const { return list / c.others; }
  LOSSKIT_INLINE uint64_t class_of(uint64_t list) const { return list % c.others; }
  LOSSKIT_INLINE uint64_t place(uint64_t list, uint64_t position) const {
    const uint64_t image = row_of(list) * c.inner + position / c.columns;
    return (image * c.others + class_of(list)) * c.columns + position % c.columns;
  }
  /** kIgnored, or kBad of one that is no class, which the first list of a row notes. */
  LOSSKIT_INLINE int64_t label(uint64_t list, uint64_t position, Word* fault) const {
    const uint64_t at = row_of(list) * pixels(c) + position;
    const auto label = number_at<int64_t>(c.inputs[1], at);
    if (c.has_ignore_index && label == c.ignore_index) return kIgnored;
    if (static_cast<uint64_t>(label) < c.others) return label;
    if (class_of(list) == 0) atomicMax(fault, ~fault_place(at, 1, Status::label));
    return kBad;
  }
  LOSSKIT_INLINE bool is_object(uint64_t list, uint64_t position, Word* fault) const {
    return label(list, position, fault) == static_cast<int64_t>(class_of(list));
  }
  LOSSKIT_INLINE Ranked item(uint64_t list, uint64_t position, bool& saw_nan, Word* fault) const {
    const int64_t of_pixel = label(list, position, fault);
    if (of_pixel < 0) return {0, position * 4};
    const bool is_object = of_pixel == static_cast<int64_t>(class_of(list));
    const double p = static_cast<double>(float_at<T>(c.inputs[0], place(list, position)));
    return ranked(probability_error(p, is_object), position, is_object, saw_nan);
  }
};

/** Counts the pixels of every class of every row, by runs; of labels alone. */
template <class Kind>
__global__ void __launch_bounds__(kThreads, kBlocks)
    count_kernel(const __grid_constant__ Call c, const Lists lists) {
  const Kind list{c};
  const uint64_t pixels = Kind::pixels(c), runs = (pixels + kRun - 1) / kRun;
  for (uint64_t item = blockIdx.x; item < Kind::count(c) * runs; item += gridDim.x) {
    const uint64_t of = item / runs, begin = item % runs * kRun, n = run_size(pixels, begin);
    Word size = 0;
    for (uint64_t first = 0; first < n; first += blockDim.x) {
      const uint64_t i = first + threadIdx.x;
      size += static_cast<Word>(__syncthreads_count(i < n && list.is_object(of, begin + i, lists.fault)));
    }
    if (threadIdx.x == 0 && size != 0) atomicAdd(&lists.info[of].size, size);
  }
}

/** Whether a list is of a class that no pixel has. */
template <class Kind>
LOSSKIT_INLINE bool is_absent(const Lists& lists, uint64_t list) {
  return Kind::counts_first && lists.info[list].size == 0;
}

/** Makes the items of `count` lists from `first` on, and sorts their runs. */
template <class Kind>
__global__ void __launch_bounds__(kThreads, kBlocks)
    sort_kernel(const __grid_constant__ Call c, const Lists lists, uint64_t first, uint64_t count) {
  __shared__ Ranked items[kRun];
  const Kind list{c};
  const uint64_t pixels = Kind::pixels(c), runs = (pixels + kRun - 1) / kRun;
  for (uint64_t item = blockIdx.x; item < count * runs; item += gridDim.x) {
    const uint64_t of = first + item / runs, begin = item % runs * kRun, n = run_size(pixels, begin);
    if (is_absent<Kind>(lists, of)) continue;
    bool saw_nan = false;
    Word size = 0;
    for (uint64_t start = 0; start < n; start += blockDim.x) {
      const uint64_t i = start + threadIdx.x;
      if (i < n) items[i] = list.item(of, begin + i, saw_nan, lists.fault);
      if (!Kind::counts_first) size += static_cast<Word>(__syncthreads_count(i < n && items[i].is_object()));
    }
    if (threadIdx.x == 0 && size != 0) atomicAdd(&lists.info[of].size, size);
    if (saw_nan) atomicOr(&lists.info[of].saw_nan, 1u);
    sort_run(items, n);
    for (uint64_t i = threadIdx.x; i < n; i += blockDim.x)
      lists.items[item / runs * pixels + begin + i] = items[i];
    __syncthreads();  // the next run has the same memory
  }
}

/** Merges sorted parts of `width` items two by two, in every list; a block has a run of what comes out. */
__global__ void __launch_bounds__(kThreads, kBlocks)
    merge_kernel(const Lists lists, uint64_t pixels, bool skips_absent, uint64_t first, uint64_t count,
                 uint64_t width) {
  const uint64_t runs = (pixels + kRun - 1) / kRun;
  for (uint64_t item = blockIdx.x; item < count * runs; item += gridDim.x) {
    if (skips_absent && lists.info[first + item / runs].size == 0) continue;
    const uint64_t begin = item % runs * kRun, n = run_size(pixels, begin);
    const uint64_t base = begin / (2 * width) * 2 * width, left = pixels - base;
    const uint64_t of_a = left < width ? left : width, of_b = left - of_a < width ? left - of_a : width;
    const Ranked* const a = lists.items + item / runs * pixels + base;
    merge_run(a, of_a, a + of_a, of_b, begin - base, n, lists.sorted + item / runs * pixels + begin);
  }
}

/** What multiplies the slopes of a list. */
template <class T>
LOSSKIT_INLINE double incoming_of(const HingeLists<T>& lists, const ListInfo*, uint64_t list) {
  return incoming_gradient(lists.c, nullptr, list) * row_weight(lists.c, list);
}
template <class T>
LOSSKIT_INLINE double incoming_of(const ClassLists<T>& lists, const ListInfo* info, uint64_t list) {
  const Call& c = lists.c;
  const uint64_t row = lists.row_of(list);
  uint64_t present = 0;
  for (uint64_t first = 0; first < c.others; first += blockDim.x) {
    const uint64_t k = first + threadIdx.x;
    present += static_cast<uint64_t>(__syncthreads_count(k < c.others && info[row * c.others + k].size != 0));
  }
  return incoming_gradient(c, nullptr, row) * row_weight(c, row) / static_cast<double>(present);
}

/** Walks down sorted lists, a block for each, by runs: what each pixel adds is found by all threads, and
 * added in order by one. */
template <class Kind, class T>
__global__ void __launch_bounds__(kThreads, kBlocks)
    walk_kernel(const __grid_constant__ Call c, const Lists lists, uint64_t first, uint64_t count) {
  __shared__ double terms[kRun];
  __shared__ unsigned objects[kEachThread * kWarps];  // of every 32 pixels
  const Kind list{c};
  const uint64_t pixels = Kind::pixels(c);
  const bool wants_grad = c.grads[0].data != nullptr;
  const unsigned lane_of_warp = threadIdx.x % 32;
  const int warp = static_cast<int>(threadIdx.x / 32), warps = static_cast<int>(blockDim.x / 32);
  for (uint64_t item = blockIdx.x; item < count; item += gridDim.x) {
    const uint64_t of = first + item;
    const ListInfo info = lists.info[of];
    const bool is_nan = info.saw_nan != 0 && !is_absent<Kind>(lists, of);
    const bool takes_part = info.saw_nan == 0 && !is_absent<Kind>(lists, of);
    const T nothing = is_nan ? not_a_number<T> : T(0);
    const double incoming = wants_grad ? incoming_of(list, lists.info, of) : 0;
    const double size = static_cast<double>(info.size);
    uint64_t objects_before = 0;
    double sum = 0;  // of the first thread
    for (uint64_t begin = 0; begin < pixels; begin += kRun) {
      const uint64_t n = run_size(pixels, begin);
      if (!takes_part) {
        for (uint64_t i = threadIdx.x; wants_grad && i < n; i += blockDim.x)
          put_float(c.grads[0], list.place(of, begin + i), nothing);
        continue;
      }
      Ranked own[kEachThread];
      unsigned before[kEachThread];
#pragma unroll
      for (int q = 0; q < kEachThread; ++q) {
        const uint64_t i = static_cast<uint64_t>(q) * blockDim.x + threadIdx.x;
        own[q] = i < n ? lists.items[item * pixels + begin + i] : Ranked{0, 0};
        const unsigned votes = __ballot_sync(kWarp, own[q].key != 0 && own[q].is_object());
        before[q] = static_cast<unsigned>(__popc(votes & ((1u << lane_of_warp) - 1)));
        if (lane_of_warp == 0) objects[q * warps + warp] = __popc(votes);
      }
      __syncthreads();
#pragma unroll
      for (int q = 0; q < kEachThread; ++q) {
        const uint64_t i = static_cast<uint64_t>(q) * blockDim.x + threadIdx.x;
        uint64_t objects_up_to = objects_before + before[q];
        for (int k = 0; k < q * warps + warp; ++k) objects_up_to += objects[k];
        double step = 0, term = 0;
        if (own[q].key != 0) {
          const double common = size - static_cast<double>(objects_up_to),
                       all = size + static_cast<double>(begin + i - objects_up_to);
          step = jaccard_step(own[q].is_object(), info.size, common, all);
          term = bit_copy<double>(own[q].key) * step;
        }
        terms[i] = term;
        if (!wants_grad || i >= n) continue;
        const T grad = own[q].key != 0 ? static_cast<T>(incoming * (own[q].falls() ? -step : step)) : T(0);
        put_float(c.grads[0], list.place(of, own[q].pixel / 4), grad);
      }
      for (int k = 0; k < kEachThread * warps; ++k) objects_before += objects[k];
      __syncthreads();
      if (threadIdx.x == 0) {
#pragma unroll 8
        for (uint64_t i = 0; i < n; ++i) sum += terms[i];
      }
    }
    if (threadIdx.x == 0) lists.info[of].loss = takes_part ? sum : static_cast<double>(nothing);
    __syncthreads();  // the next list has the same memory
  }
}

/** A list's loss is that of its row, or of one of its classes, whose mean is. */
template <class T>
LOSSKIT_INLINE double loss_of(const HingeLists<T>&, const ListInfo* info, uint64_t row) {
  return info[row].loss;
}
template <class T>
LOSSKIT_INLINE double loss_of(const ClassLists<T>& lists, const ListInfo* info, uint64_t row) {
  const uint64_t classes = lists.c.others;
  uint64_t present = 0;
  double sum = 0;
  for (uint64_t k = 0; k < classes; ++k) {
    const ListInfo& one = info[row * classes + k];
    sum += one.size != 0 ? one.loss : 0;
    present += one.size != 0;
  }
  return present == 0 ? 0 : sum / static_cast<double>(present);
}

template <class Kind, class T>
__global__ void __launch_bounds__(kThreads, kBlocks)
    finish_kernel(const __grid_constant__ Call c, const Lists lists, Outcome<T>* outcome) {
  __shared__ BlockTally<T, false> block;
  Tally<T, false> tally(block);
  const Kind list{c};
  if (const Word first = *lists.fault; first != 0 && blockIdx.x == 0) {
    const Word place = ~first;
    tally.fault(place >> 4, static_cast<int>(place >> 2 & 3), static_cast<Status>(place & 3));
  }
  const uint64_t stride = uint64_t(gridDim.x) * kThreads;
  for (uint64_t start = uint64_t(blockIdx.x) * kThreads; start < c.rows; start += stride) {
    const uint64_t row = start + threadIdx.x;
    T value[1] = {T(0)};
    if (row < c.rows) {
      value[0] = static_cast<T>(row_weight(c, row) * loss_of(list, lists.info, row));
      if (c.values.data != nullptr) static_cast<T*>(c.values.data)[row] = value[0];
      tally.count(1);
    }
    if (c.wants_sum) tally.add(value);
  }
  tally.end(c, outcome);
}

template <class Kind, class T>
struct LovaszRunOf {
  /** Before the information on lists. */
  static constexpr uint64_t kHead = 128;

  /** Where the items begin. */
  static constexpr uint64_t items_at(const Call& c) {
    return kHead + (Kind::count(c) * sizeof(ListInfo) + 127) / 128 * 128;
  }
  /** Lists that are sorted at once: so many that their memory stays small, but one always. */
  static constexpr uint64_t at_once(const Call& c) {
    const uint64_t bytes = 2 * Kind::pixels(c) * sizeof(Ranked), count = Kind::count(c);
    const uint64_t fit = bytes == 0 ? count : kMostScratch / bytes, fewer = fit < count ? fit : count;
    return fewer < 1 ? 1 : fewer;
  }
  static uint64_t memory(const Call& c) {
    return items_at(c) + at_once(c) * 2 * Kind::pixels(c) * sizeof(Ranked);
  }

  /** Of a block: for small lists no more than have pixels, for all wait for each other all the time. */
  static unsigned threads(const Call& c) {
    unsigned n = 32;
    while (n < kThreads && n * kEachThread < Kind::pixels(c)) n *= 2;
    return n;
  }

  /** Sorts and walks `count` lists from `first` on. */
  static Code run_lists(const Call& c, const Place& place, Lists lists, uint64_t first, uint64_t count) {
    const uint64_t pixels = Kind::pixels(c), runs = (pixels + kRun - 1) / kRun;
    const unsigned grid = grid_of(count * runs, 1, place.processors, 8);
    Code code = launch(sort_kernel<Kind>, grid, threads(c), 0, place.stream, c, lists, first, count);
    for (uint64_t width = kRun; width < pixels && code == cudaSuccess; width *= 2) {
      code = launch(merge_kernel, grid, kThreads, 0, place.stream, lists, pixels, Kind::counts_first, first,
                    count, width);
      Ranked* const merged = lists.sorted;
      lists.sorted = lists.items, lists.items = merged;
    }
    if (code != cudaSuccess) return code;
    return launch(walk_kernel<Kind, T>, grid_of(count, 1, place.processors, 8), threads(c), 0, place.stream,
                  c, lists, first, count);
  }

  static Code run(const Call& c, const Place& place) {
    char* const memory = static_cast<char*>(place.memory);
    const uint64_t pixels = Kind::pixels(c), count = Kind::count(c), step = at_once(c);
    Lists lists;
    lists.fault = reinterpret_cast<Word*>(memory);
    lists.info = reinterpret_cast<ListInfo*>(memory + kHead);
    lists.items = reinterpret_cast<Ranked*>(memory + items_at(c));
    lists.sorted = lists.items + step * pixels;
    Code code = cudaMemsetAsync(memory, 0, items_at(c), stream_of(place.stream));
    if constexpr (Kind::counts_first) {
      const uint64_t runs = (pixels + kRun - 1) / kRun;
      if (code == cudaSuccess)
        code = launch(count_kernel<ClassLists<float>>, grid_of(count * runs, 1, place.processors, 8),
                      threads(c), 0, place.stream, c, lists);
    }
    for (uint64_t first = 0; first < count && code == cudaSuccess; first += step)
      code = run_lists(c, place, lists, first, count - first < step ? count - first : step);
    if (code != cudaSuccess) return code;
    return launch(finish_kernel<Kind, T>, grid_of(c.rows, kThreads, place.processors, 8), kThreads, 0,
                  place.stream, c, lists, place.outcome_of<T>());
  }
};

template <class Loss, class T>
struct LovaszRun;
template <class T>
struct LovaszRun<LovaszHinge, T> : LovaszRunOf<HingeLists<T>, T> {};
template <class T>
struct LovaszRun<LovaszSoftmax, T> : LovaszRunOf<ClassLists<T>, T> {};

}  // namespace

extern const DriverRuns lovasz_runs;
constinit const DriverRuns lovasz_runs = RunsOf<LovaszRun, List<LovaszHinge, LovaszSoftmax>>::runs;

}  // namespace LOSSKIT_ISA
}  // namespace losskit
