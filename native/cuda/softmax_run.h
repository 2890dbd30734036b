// Sixteen numbers of a row in each of eight lanes, by one thread, from its scores to its gradient.
//
// A run of 512 scores is a part of a row in which thirty-two lanes are summed on their own (measure_chunk):
// whoever takes a lane of a run takes all its sixteen numbers. Four threads take a run. What a thread reads
// it keeps in shared memory of its own, so nobody waits for that; the exponentials are found once, and take
// the place of the scores, or stay in registers.
#pragma once

#include "cuda/async_copy.h"
#include "cuda/oct.h"
#include "cuda/softmax.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr unsigned kSteps = kRun / 32, kStepsAtOnce = 2;
constexpr unsigned kRunThreads = 4, kWarpRuns = 32 / kRunThreads;

// How eight numbers of a step are read and written: in whole accesses, of rows whose length allows that, or
// one by one, as far as they are there; or in whole accesses, and all are.

struct Full {};
struct Whole {};
struct OneByOne {};

/** The exponentials of the first steps, in registers; those of later steps have their place in memory. */
template <unsigned held>
struct Held {
  Floats of[held];
};
template <>
struct Held<0> {
  Floats of[1];
};

/** The sums of the eight lanes of a thread. */
struct LaneSums {
  UnitSum<vec<float, kTeam>> of[8];
};

/** The share of a thread in a run, of which so many steps are held. */
template <class S, unsigned held = 0>
struct Share {
  using V = vec<float, kTeam>;
  static constexpr int kPieces = Oct<S>::pieces;
  /** Whether scores stand where no exponentials do. */
  static constexpr bool kApart = 2 * held >= kSteps * kPieces;
  /** Slots from a step's scores to the next step's. */
  static constexpr unsigned kPace = kApart ? kPieces : 2;
  Piece<float>* slots;  // two for each step; `stride` apart
  unsigned stride;
  bool brain;
  unsigned steps = kSteps;  // a multiple of kStepsAtOnce
  unsigned gap = 0;         // more, from scores to exponentials in memory

  static LOSSKIT_INLINE unsigned thread() { return threadIdx.x % kRunThreads; }
  static LOSSKIT_INLINE unsigned lane_of_piece(int piece) {
    return lane_of<S>(thread(), static_cast<unsigned>(piece * Piece<S>::numbers));
  }
  LOSSKIT_INLINE S none() const { return sizeof(S) == 4 ? S(-infinity<float>) : S(brain ? 0xff80 : 0xfc00); }

  /** Pieces of scores, as they are stored, take the place of those of floats. */
  LOSSKIT_INLINE Piece<S>& stored(unsigned step, int piece) const {
    return *reinterpret_cast<Piece<S>*>(slots + (kPace * step + static_cast<unsigned>(piece)) * stride);
  }
  LOSSKIT_INLINE Oct<S> scores(unsigned step) const {
    Oct<S> x;
    for (int p = 0; p < kPieces; ++p) x.of[p] = stored(step, p);
    return x;
  }

  /** Begins to read the run, of which `left` numbers are there; the exponential of others is 0. */
  LOSSKIT_INLINE void read(Whole, const S* run, int left) const {
#pragma unroll 2
    for (unsigned step = 0; step < steps; ++step) {
      for (int p = 0; p < kPieces; ++p) {
        const int lane = static_cast<int>(step * 32 + lane_of_piece(p));
        if (lane < left) {
          begin_copy(&stored(step, p), reinterpret_cast<const Piece<S>*>(run + lane));
        } else {
          for (S& one : stored(step, p).of) one = none();
        }
      }
    }
  }
  LOSSKIT_INLINE void read(OneByOne, const S* run, int left) const {
#pragma unroll 1
    for (unsigned step = 0; step < steps; ++step) {
      Oct<S> x;
#pragma unroll
      for (unsigned i = 0; i < 8; ++i) {
        const int at = static_cast<int>(step * 32 + lane_of<S>(thread(), i));
        x[static_cast<int>(i)] = at < left ? run[at] : none();
      }
      for (int p = 0; p < kPieces; ++p) stored(step, p) = x.of[p];
    }
  }

  /** In place of numbers that are not there. */
  LOSSKIT_INLINE void fill(int left) const {
#pragma unroll 1
    for (unsigned step = 0; step < steps; ++step) {
      for (int p = 0; p < kPieces; ++p) {
        if (static_cast<int>(step * 32 + lane_of_piece(p)) < left) continue;
        for (S& one : stored(step, p).of) one = none();
      }
    }
  }

  /** The largest score. */
  LOSSKIT_INLINE float largest() const {
    return by_brain<S>(brain, [&](auto is_brain) {
      Largest<S, is_brain> largest;
#pragma unroll 2
      for (unsigned step = 0; step < steps; ++step) largest.add(scores(step));
      return largest.value();
    });
  }

  /** Finds the exponentials, and keeps them for a gradient. */
  LOSSKIT_INLINE LaneSums exponentiate(float largest, bool keeps, Held<held>& first) const {
    const V shift(shift_of(largest));
    LaneSums sums;
    by_brain<S>(brain, [&](auto is_brain) {
      const auto next = [&](unsigned step) {
        Floats e = widened(scores(step), is_brain);
        for (int i = 0; i < 8; ++i) {
          e[i] = exp_flushed(V(e[i]) - shift).v;
          sums.of[i].add(V(e[i]));
        }
        return e;
      };
#pragma unroll
      for (unsigned step = 0; step != held; ++step) first.of[step] = next(step);
#pragma unroll(sizeof(S) == 4 || (is_brain && held == 0) ? kStepsAtOnce : 1)
      for (unsigned step = held; step < steps; ++step) {
        const Floats e = next(step);
        for (unsigned p = 0; p < 2 && keeps; ++p) keeper(step, p) = e.of[p];
      }
    });
    return sums;
  }

  /** The whole parts of the sums, and the rest, by lanes. */
  LOSSKIT_INLINE void leave(const LaneSums& sums, float (&wholes)[32], float (&rests)[32]) const {
    for (unsigned i = 0; i < 8; ++i) {
      wholes[lane_of<S>(thread(), i)] = sums.of[i].whole().v;
      rests[lane_of<S>(thread(), i)] = sums.of[i].rest().v;
    }
  }

  template <class How>
  LOSSKIT_INLINE void write(How how, S* run, int left, float factor, const Held<held>& first) const {
    constexpr bool is_full = std::is_same_v<How, Full>;
    by_brain<S>(brain, [&](auto is_brain) {
#pragma unroll
      for (unsigned step = 0; step != held; ++step)
        write_step(how, run, left, step, first.of[step], factor, is_brain);
#pragma unroll(is_full ? kSteps : is_brain || sizeof(S) == 4 ? 2 : 1)
      for (unsigned step = held; step < (is_full ? kSteps : steps); ++step)
        write_step(how, run, left, step, kept(step), factor, is_brain);
    });
  }
  LOSSKIT_INLINE void write(OneByOne how, S* run, int left, float factor, const Held<held>& first) const {
#pragma unroll
    for (unsigned step = 0; step != held; ++step)
      write_step(how, run, left, step, first.of[step], factor, brain);
#pragma unroll 1
    for (unsigned step = held; step < steps; ++step)
      write_step(how, run, left, step, kept(step), factor, brain);
  }

  /** The gradient of a row that is ignored. */
  LOSSKIT_INLINE void clear(S* run, int left) const {
#pragma unroll 1
    for (unsigned step = 0; step < steps; ++step) put(OneByOne(), run, left, step, Oct<S>{});
  }

 private:
  LOSSKIT_INLINE Piece<float>& keeper(unsigned step, unsigned piece) const {
    return slots[(2 * step + piece) * stride + gap];
  }
  LOSSKIT_INLINE Floats kept(unsigned step) const { return {{keeper(step, 0), keeper(step, 1)}}; }

  template <class How>
  static LOSSKIT_INLINE void write_step(How how, S* run, int left, unsigned step, Floats e, float factor,
                                        bool is_brain) {
    for (int i = 0; i < 8; ++i) e[i] = e[i] * factor;
    put(how, run, left, step, narrowed<S>(e, is_brain));
  }
  template <class How>
  static LOSSKIT_INLINE void put(How, S* run, int left, unsigned step, const Oct<S>& x) {
    for (int p = 0; p < kPieces; ++p) {
      const int lane = static_cast<int>(step * 32 + lane_of_piece(p));
      if (std::is_same_v<How, Full> || lane < left)
        __stcs(reinterpret_cast<uint4*>(run + lane), bit_copy<uint4>(x.of[p]));
    }
  }
  static LOSSKIT_INLINE void put(OneByOne, S* run, int left, unsigned step, const Oct<S>& x) {
#pragma unroll
    for (unsigned i = 0; i < 8; ++i) {
      const int at = static_cast<int>(step * 32 + lane_of<S>(thread(), i));
      if (at < left) run[at] = x[static_cast<int>(i)];
    }
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
