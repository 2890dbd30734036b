// Sixteen numbers of a row in each of eight lanes, by one thread, from its scores to its gradient.
//
// A run of 512 scores is a part of a row in which thirty-two lanes are summed on their own (measure_chunk):
// whoever takes a lane of a run takes all its sixteen numbers. Four threads take a run. What a thread reads
// it keeps in shared memory of its own, so nobody waits for that; the exponentials are found once, and take
// the place of the scores.
#pragma once

#include "cuda/async_copy.h"
#include "cuda/oct.h"
#include "cuda/softmax.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr unsigned kSteps = kRun / 32, kStepsAtOnce = 2;
constexpr unsigned kRunThreads = 4, kWarpRuns = 32 / kRunThreads;

// How eight numbers of a step are read and written: in whole accesses, of rows whose length allows that; or
// one by one.

struct Whole {};
struct OneByOne {};

/** The share of a thread in a run. */
template <class S>
struct Share {
  using V = vec<float, kTeam>;
  static constexpr int kPieces = Oct<S>::pieces;
  Piece<float>* slots;  // two for each step; `stride` apart
  unsigned stride;
  bool brain;
  unsigned steps = kSteps;  // a multiple of kStepsAtOnce

  static LOSSKIT_INLINE unsigned thread() { return threadIdx.x % kRunThreads; }
  static LOSSKIT_INLINE unsigned lane_of_piece(int piece) {
    return lane_of<S>(thread(), static_cast<unsigned>(piece * Piece<S>::numbers));
  }
  LOSSKIT_INLINE S none() const { return sizeof(S) == 4 ? S(-infinity<float>) : S(brain ? 0xff80 : 0xfc00); }

  /** Pieces of scores, as they are stored, take the place of those of floats. */
  LOSSKIT_INLINE Piece<S>& stored(unsigned step, int piece) const {
    return *reinterpret_cast<Piece<S>*>(slots + (2 * step + static_cast<unsigned>(piece)) * stride);
  }
  LOSSKIT_INLINE Oct<S> scores(unsigned step) const {
    Oct<S> x;
    for (int p = 0; p < kPieces; ++p) x.of[p] = stored(step, p);
    return x;
  }

  /** Begins to read the run, of which `left` numbers are there; the exponential of others is 0. */
  LOSSKIT_INLINE void read(Whole, const S* run, int64_t left) const {
#pragma unroll 2
    for (unsigned step = 0; step < steps; ++step) {
      for (int p = 0; p < kPieces; ++p) {
        const unsigned lane = step * 32 + lane_of_piece(p);
        if (lane < left) {
          begin_copy(&stored(step, p), reinterpret_cast<const Piece<S>*>(run + lane));
        } else {
          for (S& one : stored(step, p).of) one = none();
        }
      }
    }
  }
  LOSSKIT_INLINE void read(OneByOne, const S* run, int64_t left) const {
#pragma unroll 1
    for (unsigned step = 0; step < steps; ++step) {
      Oct<S> x;
#pragma unroll
      for (unsigned i = 0; i < 8; ++i) {
        const unsigned at = step * 32 + lane_of<S>(thread(), i);
        x[static_cast<int>(i)] = at < left ? run[at] : none();
      }
      for (int p = 0; p < kPieces; ++p) stored(step, p) = x.of[p];
    }
  }

  /** The largest score, once they are there. */
  LOSSKIT_INLINE float largest() const {
    finish_copies();
    return by_brain<S>(brain, [&](auto is_brain) {
      Largest<S, is_brain> largest;
#pragma unroll 2
      for (unsigned step = 0; step < steps; ++step) largest.add(scores(step));
      return largest.value();
    });
  }

  /** Finds the exponentials, and keeps them for a gradient; leaves the sums of each lane, the whole parts and
   * the rest. */
  LOSSKIT_INLINE void exponentiate(float largest, bool keeps, float (&wholes)[32], float (&rests)[32]) const {
    const V shift(shift_of(largest));
    UnitSum<V> sum[8];
    by_brain<S>(brain, [&](auto is_brain) {
#pragma unroll(is_brain || sizeof(S) == 4 ? kStepsAtOnce : 1)
      for (unsigned step = 0; step < steps; ++step) {
        Floats e = widened(scores(step), is_brain);
        for (int i = 0; i < 8; ++i) {
          e[i] = exp_flushed(V(e[i]) - shift).v;
          sum[i].add(V(e[i]));
        }
        for (int p = 0; p < 2 && keeps; ++p) slots[(2 * step + static_cast<unsigned>(p)) * stride] = e.of[p];
      }
    });
    for (unsigned i = 0; i < 8; ++i) {
      wholes[lane_of<S>(thread(), i)] = sum[i].whole().v;
      rests[lane_of<S>(thread(), i)] = sum[i].rest().v;
    }
  }

  LOSSKIT_INLINE void write(Whole how, S* run, int64_t left, float factor) const {
    by_brain<S>(brain, [&](auto is_brain) {
#pragma unroll(is_brain || sizeof(S) == 4 ? 2 : 1)
      for (unsigned step = 0; step < steps; ++step) write_step(how, run, left, step, factor, is_brain);
    });
  }
  LOSSKIT_INLINE void write(OneByOne how, S* run, int64_t left, float factor) const {
#pragma unroll 1
    for (unsigned step = 0; step < steps; ++step) write_step(how, run, left, step, factor, brain);
  }

  /** The gradient of a row that is ignored. */
  template <class How>
  LOSSKIT_INLINE void clear(How how, S* run, int64_t left) const {
#pragma unroll 1
    for (unsigned step = 0; step < steps; ++step) put(how, run, left, step, Oct<S>{});
  }

 private:
  template <class How>
  LOSSKIT_INLINE void write_step(How how, S* run, int64_t left, unsigned step, float factor,
                                 bool is_brain) const {
    Floats e = {{slots[2 * step * stride], slots[(2 * step + 1) * stride]}};
    for (int i = 0; i < 8; ++i) e[i] = e[i] * factor;
    put(how, run, left, step, narrowed<S>(e, is_brain));
  }
  static LOSSKIT_INLINE void put(Whole, S* run, int64_t left, unsigned step, const Oct<S>& x) {
    for (int p = 0; p < kPieces; ++p) {
      const unsigned lane = step * 32 + lane_of_piece(p);
      if (lane < left) __stcs(reinterpret_cast<uint4*>(run + lane), bit_copy<uint4>(x.of[p]));
    }
  }
  static LOSSKIT_INLINE void put(OneByOne, S* run, int64_t left, unsigned step, const Oct<S>& x) {
#pragma unroll
    for (unsigned i = 0; i < 8; ++i) {
      const unsigned at = step * 32 + lane_of<S>(thread(), i);
      if (at < left) run[at] = x[static_cast<int>(i)];
    }
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
