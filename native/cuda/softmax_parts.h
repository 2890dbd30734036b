// The parts of a row, as the chunks of a cluster's blocks are measured: how they are given to all blocks, and
// how each comes from them to the row.
#pragma once

#include "cuda/cluster.h"
#include "cuda/signals.h"
#include "cuda/softmax.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** What is known of a chunk once it is measured. */
struct Part {
  double whole, rest, max;
};

/** How a chunk joins the row before it. */
struct Joint {
  double whole, rest, fade;
  bool rises;
};

/** What warps of a block wait for, row by row: by turns of rows that are measured. */
struct RowSignals {
  Signal begun;  // the score of the label is read, and what was known of the row before the last is used
  Signal measured[2];  // all parts are here; those of the next row may come before this one's are used
  Signal combined;     // the factors of the gradient are known
  Signal written;      // the gradients of this block are
};

/** The rows of a cluster, for one of its blocks. Where the device has no signals, its warps meet. */
struct ClusterRows {
  const Call& c;
  unsigned slices, rank;        // blocks of the cluster, and which this one is
  unsigned chunks, first, own;  // of a row, the first of this block, and how many it has
  RowSignals& signals;
  Part* parts;  // of two rows
  bool wants_grad = c.grads[0].data != nullptr;

  /** By one thread, for so many warps that write. */
  LOSSKIT_INLINE void begin(unsigned writers) const {
    for (Signal& one : signals.measured) one.begin(slices > 1 ? 1 : 1 + own);
    signals.begun.begin(1);
    signals.combined.begin(1);
    signals.written.begin(writers);
  }

  // More rows of such a length than 32 bits can count would not fit any memory.
  LOSSKIT_INLINE unsigned first_row() const { return blockIdx.x / slices; }
  LOSSKIT_INLINE unsigned after(unsigned row) const { return row + gridDim.x / slices; }
  /** Where its scores begin. */
  LOSSKIT_INLINE uint64_t place(uint64_t row) const { return Scores<float>(c, c.inputs[0], row).first; }
  LOSSKIT_INLINE Part* parts_of(unsigned turn) const { return parts + turn % 2 * chunks; }

  // By the warps that measure, and write:

  /** Gives part k to all blocks. */
  LOSSKIT_INLINE void give(unsigned turn, unsigned k, const Part& part) const {
    if (lane_of_warp() >= slices) return;
    Part* const place = parts_of(turn) + k;
    if constexpr (kSignals) {
      // Once all blocks have all parts, gradients may take the place of scores, and the next row's parts
      // come.
      signals.begun.wait(turn);
      Signal& measured = signals.measured[turn % 2];
      if (slices == 1) {  // nothing can be sent where there is no cluster
        *place = part;
        return measured.give();
      }
      send(&place->whole, part.whole, measured, lane_of_warp());
      send(&place->rest, part.rest, measured, lane_of_warp());
      send(&place->max, part.max, measured, lane_of_warp());
    } else {
      *in_block(place, lane_of_warp()) = part;
    }
  }
  LOSSKIT_INLINE void end_measuring() const {
    if constexpr (!kSignals) meet();
  }
  LOSSKIT_INLINE void await_factors(unsigned turn) const {
    if constexpr (kSignals) {
      signals.combined.wait(turn);
    } else {
      meet_warps();
    }
  }
  LOSSKIT_INLINE void end_writing() const {
    if constexpr (kSignals) {
      __syncwarp();
      if (lane_of_warp() == 0) signals.written.give();
    }
  }

  // By the warp that serves them:

  LOSSKIT_INLINE void end_beginning() const {
    __syncwarp();
    if constexpr (kSignals) {
      if (lane_of_warp() == 0) signals.begun.give();
    }
  }
  LOSSKIT_INLINE void await_parts(unsigned turn) const {
    if constexpr (kSignals) {
      Signal& measured = signals.measured[turn % 2];
      if (lane_of_warp() == 0) {
        if (slices > 1) {
          measured.give_with(static_cast<unsigned>(chunks * sizeof(Part)));
        } else {
          measured.give();
        }
      }
      measured.wait(turn / 2);
    } else {
      meet();
    }
  }
  /** The factors are known, and the gradients of all rows before are written. */
  LOSSKIT_INLINE void end_combining(unsigned turn) const {
    if constexpr (kSignals) {
      if (wants_grad && turn > 0) signals.written.wait(turn - 1);
      __syncwarp();
      if (lane_of_warp() == 0) signals.combined.give();
    } else {
      if (wants_grad) meet_warps();
    }
  }

 private:
  LOSSKIT_INLINE void meet() const {
    if (slices > 1) {
      synchronize_cluster();
    } else {
      meet_warps();
    }
  }
};

/** What a warp learns from the parts of a row. */
struct Combined {
  Chunk row;
  double sunk;  // how far the largest score of a chunk is below that of the row: e^-distance
};

/** The row from its parts, by a warp, as combine() would: one after the other, but all that does not wait for
 * the one before is found by all lanes at once. And what the gradient of chunk `first` + i is to be
 * multiplied by, for lane i of `own`. */
LOSSKIT_INLINE Combined combine_parts(const Part* parts, unsigned count, unsigned first, unsigned own,
                                      Joint (&joints)[32]) {
  double whole = 0, rest = 0, of_own = 0;
  if (lane_of_warp() < own) of_own = parts[first + lane_of_warp()].max;
  float largest = -infinity<float>;  // of all before
  Combined all;
  for (unsigned begin = 0; begin < count; begin += 32) {
    const unsigned k = begin + lane_of_warp();
    Part part = {0, 0, -infinity<double>};
    if (k < count) part = parts[k];
    const auto max = static_cast<float>(part.max);
    float up_to = max > largest ? max : largest;
    for (unsigned distance = 1; distance < 32; distance *= 2) {
      const float other = __shfl_up_sync(kWarp, up_to, distance);
      if (lane_of_warp() >= distance && other > up_to) up_to = other;
    }
    float before = __shfl_up_sync(kWarp, up_to, 1);
    if (lane_of_warp() == 0) before = largest;
    largest = __shfl_sync(kWarp, up_to, 31);
    // Two exponentials at once; where the numbers are equal neither is asked for.
    const double row_max = static_cast<double>(before), end = static_cast<double>(largest);
    const Meets how = meets(row_max, part.max);
    const auto e = exp(vec<double, 2 * kTeam>(
        Doubles(how == Meets::higher ? row_max - part.max : part.max - row_max), Doubles(of_own - end)));
    const double fade = how == Meets::level || how == Meets::empty ? 1 : e.lo.v;
    all.sunk = of_own == end ? 1 : e.hi.v;
    Joint joint = {part.whole, part.rest, fade, k > 0 && how == Meets::higher};
    if (how == Meets::lower) joint = {0, (part.whole + part.rest) * fade, 1, false};
    if (how == Meets::empty) joint.whole = 0;
    __syncwarp();  // until all have read those of before
    joints[lane_of_warp()] = joint;
    __syncwarp();
    const unsigned those = count - begin < 32 ? count - begin : 32;
#pragma unroll 2
    for (unsigned i = 0; i < those; ++i) {
      const Joint& next = joints[i];
      rest = (next.rises ? (whole + rest) * next.fade : rest) + next.rest;
      whole = (next.rises ? 0 : whole) + next.whole;
    }
  }
  all.row = {static_cast<double>(largest), whole, rest, 0, 0};
  return all;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
