// Measuring the chunks of a row: the largest score, the sum of e^(x - max), and what a target distribution
// asks for.
#pragma once

#include <algorithm>

#include "cpu/row_group.h"
#include "cpu/softmax/chunk.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** The weight q of each class in a dense row's loss: smoothed, times the class weight. */
template <class T>
struct ClassTargets {
  using V = vec<T, 16>;
  const T* target;     // null: every class alike
  const T* weight;     // null: all 1
  double keep, floor;  // smoothing: keep q + floor

  LOSSKIT_INLINE Doubles at(size_t i, size_t n) const {
    Doubles q = target == nullptr
                    ? Doubles(1)
                    : fma(widen(load_some<V>(target + i, n, T(0))), Doubles(keep), Doubles(floor));
    if (weight != nullptr) q = q * widen(load_some<V>(weight + i, n, T(0)));
    return q;
  }
};

/** Space for the tensors of a chunk that are not stored in the type of the computation. */
template <class T>
struct ChunkScratch {
  alignas(64) T logits[kChunk], targets[kChunk], weights[kChunk];
};

template <class T>
ClassTargets<T> class_targets(const Call& c, uint64_t row, uint64_t chunk, size_t n,
                              ChunkScratch<T>& scratch) {
  ClassTargets<T> q{nullptr, nullptr, 1, 0};
  if (is_distribution(c)) {
    q.target = read_block(c.inputs[1], row * c.columns + chunk * kChunk, n, scratch.targets);
    q.keep = 1 - c.label_smoothing;
    q.floor = c.label_smoothing / static_cast<double>(c.columns);
  }
  if (c.weight.data != nullptr) q.weight = read_block(c.weight, chunk * kChunk, n, scratch.weights);
  return q;
}

template <class T>
LOSSKIT_INLINE T greatest_of(const T* x, size_t n) {
  using V = vec<T, 16>;
  V a(-infinity<T>), b = a, c = a, d = a;
  size_t i = 0;
  for (; i + 64 <= n; i += 64) {
    a = max(V::load(x + i), a), b = max(V::load(x + i + 16), b);
    c = max(V::load(x + i + 32), c), d = max(V::load(x + i + 48), d);
  }
  for (; i + 16 <= n; i += 16) a = max(V::load(x + i), a);
  if (i < n) b = max(V::load(x + i, n - i, -infinity<T>), b);
  return greatest(max(max(a, b), max(c, d)));
}

/** Two vectors side by side, each of which would wait for itself at every step. */
template <class T>
using Two = vec<T, 32>;

/** e^(x - shift) of thirty-two scores, n of which are there. */
template <class T>
LOSSKIT_INLINE Two<T> two_exps(const T* x, size_t n, T shift) {
  using V = vec<T, 16>;
  if (n >= 32 && native_lanes<T> * 2 >= 32) return exp_flushed(Two<T>::load(x) - Two<T>(shift));
  Two<T> e(0);
  e.lo = exp_flushed(load_some<V>(x, n, -infinity<T>) - V(shift));
  if (n > 16) e.hi = exp_flushed(load_some<V>(x + 16, n - 16, -infinity<T>) - V(shift));
  return e;
}

/** Whether registers hold the largest of the scores that follow while a chunk is summed. */
template <class T>
constexpr bool looks_ahead = native_lanes<T> * 2 >= 32;

/** In a shorter chunk folding the lanes costs what the pass that is saved did. */
constexpr size_t kLeastAhead = 512;

/** The chunk that follows in memory, and its largest score, which is found while the chunk before it is
 * summed: so memory is read all the time, and one pass over each chunk is saved. */
template <class T>
struct Ahead {
  const T* scores = nullptr;
  size_t n = 0;
  T largest = 0;
};

/** Sums e^(x - shift); keeps each where `keeps` says so: `exps` may be x. Looks for the largest of the scores
 * ahead, if there are any. */
template <class T, bool keeps>
void sum_exps(const T* x, size_t n, T shift, T* exps, const Upcoming& upcoming, Ahead<T>& ahead,
              Chunk& chunk) {
  constexpr size_t run = 16 * 32;  // as many as the sum in parts can take
  Doubles whole(0), rest(0);
  UnitSum<Two<T>> sum;
  const auto take_sum = [&]() LOSSKIT_LAMBDA {
    const Two<T> w = sum.whole(), r = sum.rest();
    whole = whole + (widen(w.lo) + widen(w.hi));
    rest = rest + (widen(r.lo) + widen(r.hi));
    sum = {};
  };
  size_t i = 0;
  if constexpr (looks_ahead<T>) {
    const Upcoming later = {upcoming.from, sizeof(T)};  // said again, for the compiler to see
    const size_t both = (n < ahead.n ? n : ahead.n) / 32 * 32;
    const auto begin = [&](size_t at)
                           LOSSKIT_LAMBDA { return begin_exp_flushed(Two<T>::load(x + at) - Two<T>(shift)); };
    // An exponential is one long chain: a step's is begun while that of the step before is ended.
    Two<T> largest(-infinity<T>);
    HalfExp<Two<T>> begun;
    if (both != 0) begun = begin(0);
    while (i < both) {
      take_sum();
      for (const size_t end = std::min(i + run, both); i < end; i += 32) {
        later.fetch(i, 32);
        largest = max(Two<T>::load(ahead.scores + i), largest);
        const HalfExp<Two<T>> at_hand = begun;
        begun = begin(i + 32 < both ? i + 32 : i);
        const Two<T> e = end_exp_flushed(at_hand);
        sum.add(e);
        if constexpr (keeps) e.store(exps + i);
      }
    }
    ahead.largest = greatest(largest);
    if (i < ahead.n) ahead.largest = std::max(ahead.largest, greatest_of(ahead.scores + i, ahead.n - i));
  }
  for (; i < n; i += 32) {
    if (i % run == 0) {
      take_sum();
      upcoming.fetch(i, run);
    }
    const Two<T> e = two_exps(x + i, n - i, shift);
    sum.add(e);
    if constexpr (keeps) n - i >= 32 ? e.store(exps + i) : e.store(exps + i, n - i);
  }
  take_sum();
  chunk.whole = sum_lanes(whole);
  chunk.rest = sum_lanes(rest);
}

/** What a target distribution q adds to a chunk: the sums of q (shift - x) and of q. */
template <class T>
void sum_targets(const T* x, size_t n, T shift, const ClassTargets<T>& targets, double& dot, double& mass) {
  using V = vec<T, 16>;
  constexpr T kOnes[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  Doubles dots(0), masses(0);
  for (size_t i = 0; i < n; i += 16) {
    Doubles q = targets.at(i, n - i),
            below = widen(V(shift)) - widen(load_some<V>(x + i, n - i, -infinity<T>));
    if (n - i < 16) {
      const Doubles present = widen(V::load(kOnes, n - i, T(0)));
      q = q * present;
      below = select(present == Doubles(0), Doubles(0), below);
    }
    dots = fma(q, below, dots);
    masses = masses + q;
  }
  dot = sum_lanes(dots);
  mass = sum_lanes(masses);
}

/** Measures a chunk; keeps the exponentials where `exps` is given, which may be the chunk's own place. The
 * caller says whether it will ask for the chunk that follows in memory, of this row or of the next. */
template <class T>
Chunk measure_chunk(const Call& c, uint64_t row, uint64_t chunk, T* exps, bool goes_on, Ahead<T>& ahead,
                    ChunkScratch<T>& scratch) {
  const size_t n = static_cast<size_t>(chunk_size(c, chunk));
  const uint64_t at = row * c.columns + chunk * kChunk;
  const T* x = read_block(c.inputs[0], at, n, scratch.logits);
  const size_t bytes = kDtypeBytes[static_cast<int>(c.inputs[0].dtype)];
  const T largest = ahead.scores == x ? ahead.largest : greatest_of(x, n), shift = shift_of(largest);
  // In memory the next chunk follows, or the next row.
  Upcoming upcoming = {static_cast<const char*>(c.inputs[0].data) + (at + n) * bytes, bytes};
  ahead = {};
  if (looks_ahead<T> && goes_on && n >= kLeastAhead && x != scratch.logits) {
    const uint64_t next = chunk + 1 < chunks_of(c) ? chunk + 1 : 0;
    ahead = {x + n, static_cast<size_t>(chunk_size(c, next)), T(0)};
    upcoming.from += kAhead;  // what is nearer is read
  }
  Chunk measured = {static_cast<double>(largest), 0, 0, 0, 0};
  if (is_dense(c)) {
    sum_targets(x, n, shift, class_targets(c, row, chunk, n, scratch), measured.dot, measured.mass);
  }
  if (exps != nullptr) {
    sum_exps<T, true>(x, n, shift, exps, upcoming, ahead, measured);
  } else {
    sum_exps<T, false>(x, n, shift, nullptr, upcoming, ahead, measured);
  }
  return measured;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
