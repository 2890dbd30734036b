// Sixteen numbers of a row in each of four neighbouring lanes, by one thread, from its scores to its
// gradient.
//
// A run of 512 scores is a part of a row in which lanes are summed on their own (measure_chunk): whoever
// takes a lane of a run takes all its sixteen numbers. Eight threads take a run, four lanes each. What a
// thread reads it keeps in shared memory of its own, so nobody waits for that; the exponentials are found
// once, and take the place of the scores.
#pragma once

#include "cuda/async_copy.h"
#include "cuda/quad.h"
#include "cuda/softmax.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr unsigned kSteps = kRun / 32, kStepsAtOnce = 4;
constexpr unsigned kRunThreads = 8;

// How four neighbours of a chunk are read and written: in one access, one by one, or one by one as far as the
// row goes. Chunks choose as a whole, so that many accesses are under way at once.

struct InOne {
  template <class S>
  static LOSSKIT_INLINE Quad<S> read(const S* at, int64_t, S) {
    using Access = std::conditional_t<sizeof(S) == 4, float4, uint2>;
    return bit_copy<Quad<S>>(__ldcs(reinterpret_cast<const Access*>(at)));
  }
  template <class S>
  static LOSSKIT_INLINE void write(S* at, int64_t, const Quad<S>& x) {
    using Access = std::conditional_t<sizeof(S) == 4, float4, uint2>;
    __stcs(reinterpret_cast<Access*>(at), bit_copy<Access>(x));
  }
};

struct OneByOne {
  template <class S>
  static LOSSKIT_INLINE Quad<S> read(const S* at, int64_t, S) {
    return {{at[0], at[1], at[2], at[3]}};
  }
  template <class S>
  static LOSSKIT_INLINE void write(S* at, int64_t, const Quad<S>& x) {
    for (int i = 0; i < 4; ++i) at[i] = x.of[i];
  }
};

/** In one access where there are any: of rows whose length is a multiple of four. */
struct InOneIfAny {
  template <class S>
  static LOSSKIT_INLINE Quad<S> read(const S* at, int64_t n, S none) {
    return n > 0 ? InOne::read(at, n, none) : Quad<S>{{none, none, none, none}};
  }
  template <class S>
  static LOSSKIT_INLINE void write(S* at, int64_t n, const Quad<S>& x) {
    if (n > 0) InOne::write(at, n, x);
  }
};

/** Of n numbers; others are `none`. */
struct AsFarAs {
  template <class S>
  static LOSSKIT_INLINE Quad<S> read(const S* at, int64_t n, S none) {
    Quad<S> x;
    for (int i = 0; i < 4; ++i) x.of[i] = i < n ? at[i] : none;
    return x;
  }
  template <class S>
  static LOSSKIT_INLINE void write(S* at, int64_t n, const Quad<S>& x) {
    for (int i = 0; i < 4; ++i) {
      if (i < n) at[i] = x.of[i];
    }
  }
};

/** The share of a thread in a run. Its numbers of a step stand in a slot, `stride` slots from those of the
 * next. */
template <class S>
struct Share {
  using V = vec<float, kTeam>;
  Floats* slots;
  unsigned stride;
  bool brain;
  unsigned steps = kSteps;  // a multiple of kStepsAtOnce

  /** Where the four scores of a step stand. Halves of two neighbouring threads are sixteen bytes together, in
   * the slot of the even one.
   */
  LOSSKIT_INLINE Quad<S>& stored(unsigned step) const {
    return reinterpret_cast<Quad<S>*>(slots - odd() + step * stride)[odd()];
  }
  static LOSSKIT_INLINE unsigned odd() { return sizeof(S) == 2 ? threadIdx.x & 1 : 0; }
  /** Before one of two neighbours writes where the other reads. */
  static LOSSKIT_INLINE void wait_for_neighbour() {
    if constexpr (sizeof(S) == 2) __syncwarp(3u << (threadIdx.x & 30));
  }

  /** Reads the scores from `at` on, of which `left` are there. */
  template <class How>
  LOSSKIT_INLINE void read(How how, const S* at, int64_t left) const {
    constexpr unsigned kAtOnce = 16 / sizeof(S);
    const S none = sizeof(S) == 4 ? S(-infinity<float>) : S(brain ? 0xff80 : 0xfc00);  // its exponential is 0
#pragma unroll 1
    for (unsigned first = 0; first < steps; first += kAtOnce) {
      Quad<S> x[kAtOnce];
#pragma unroll
      for (unsigned i = 0; i < kAtOnce; ++i)
        x[i] = how.read(at + (first + i) * 32, left - (first + i) * 32, none);
#pragma unroll
      for (unsigned i = 0; i < kAtOnce; ++i) stored(first + i) = x[i];
    }
  }

  /** The same, without waiting for them, where sixteen bytes are one access: of halves, every other step for
   * each of two neighbours.
   */
  LOSSKIT_INLINE void read_ahead(InOne how, const S* at, int64_t left) const {
    const S* const of_both = at - 4 * odd();
    if (reinterpret_cast<uintptr_t>(of_both) % sizeof(uint4) != 0) return read(how, at, left);
    constexpr unsigned kEvery = 4 / sizeof(S) == 1 ? 1 : 2;
#pragma unroll 8
    for (unsigned step = odd(); step < steps; step += kEvery)
      begin_copy(reinterpret_cast<uint4*>(slots - odd() + step * stride),
                 reinterpret_cast<const uint4*>(of_both + step * 32));
  }
  template <class How>
  LOSSKIT_INLINE void read_ahead(How how, const S* at, int64_t left) const {
    read(how, at, left);
  }

  /** The largest of the scores that were read. */
  LOSSKIT_INLINE float largest() const {
    return by_brain<S>(brain, [&](auto is_brain) {
      Largest<S, is_brain> largest;
#pragma unroll 8
      for (unsigned step = 0; step < steps; ++step) largest.add(stored(step));
      return largest.value();
    });
  }

  /** Finds the exponentials and their sums; keeps the exponentials for a gradient. */
  LOSSKIT_INLINE void exponentiate(float largest, bool keeps, UnitSum<V> (&sum)[4]) const {
    const V shift(shift_of(largest));
    by_brain<S>(brain, [&](auto is_brain) {
#pragma unroll 1
      for (unsigned first = 0; first < steps; first += kStepsAtOnce) {
        Quad<S> x[kStepsAtOnce];
#pragma unroll
        for (unsigned i = 0; i < kStepsAtOnce; ++i) x[i] = stored(first + i);
        if (keeps) wait_for_neighbour();
#pragma unroll
        for (unsigned i = 0; i < kStepsAtOnce; ++i) {
          Floats e = widened(x[i], is_brain);
          for (int k = 0; k < 4; ++k) {
            e.of[k] = exp_flushed(V(e.of[k]) - shift).v;
            sum[k].add(V(e.of[k]));
          }
          if (keeps) slots[(first + i) * stride] = e;
        }
      }
    });
  }

  template <class How>
  LOSSKIT_INLINE void write(How how, S* at, int64_t left, float factor) const {
    by_brain<S>(brain, [&](auto is_brain) {
#pragma unroll 4
      for (unsigned step = 0; step < steps; ++step) {
        Floats e = slots[step * stride];
        for (float& one : e.of) one = one * factor;
        how.write(at + step * 32, left - step * 32, narrowed<S>(e, is_brain));
      }
    });
  }

  /** The gradient of a row that is ignored. */
  template <class How>
  LOSSKIT_INLINE void clear(How how, S* at, int64_t left) const {
    for (unsigned step = 0; step < steps; ++step) how.write(at + step * 32, left - step * 32, Quad<S>{});
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
