// The warp of a block that combines what the others measured, and finishes rows, while they go on.
#pragma once

#include "cuda/softmax_parts.h"
#include "cuda/tally.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** A measured row that waits to be finished, and where the score of its label stands. */
struct WaitingRow {
  double max, whole, rest, score, weight, incoming;
  uint64_t row, place;
};
constexpr unsigned kMostWaiting = 8;  // and one that is being measured

struct ServerMemory {
  WaitingRow waiting[kMostWaiting + 1];
  Joint joints[32];
};

/** A function of its own for the kernels of both types, where it does not keep others waiting: the library
 * has to be small. */
template <class Loss, class P>
LOSSKIT_SELDOM FinishedRows finish_seldom(const P& params, bool wants_grad, const MeasuredRows& m) {
  return finish_labelled<Loss>(params, wants_grad, m);
}

/** What nobody waits for, it does for many rows at once. */
template <class Loss, class P>
class Server {
 public:
  LOSSKIT_INLINE Server(const ClusterRows& rows, const P& params, const double* scale, ServerMemory& memory,
                        float* factors, Tally<float>& tally)
      : rows_(rows), params_(params), scale_(scale), memory_(memory), factors_(factors), tally_(tally) {}

  LOSSKIT_INLINE void run() {
    const Call& c = rows_.c;
    unsigned turn = 0;
    for (unsigned row = rows_.first_row();; row = rows_.after(row)) {
      const bool is_end = row >= c.rows;
      if (is_end) meet_warps();  // all gradients are written: before, those of all rows but the last
      if (is_end || waiting_ > kMostWaiting) finish(is_end);
      if (is_end) return;
      const int64_t label = label_of<1>(c, row);
      if (label < 0) {
        if (rows_.rank == 0 && lane_of_warp() == 0) leave_out(row, label);
        continue;
      }
      if (lane_of_warp() == 0) begin(row, label);
      rows_.end_beginning();
      rows_.await_parts(turn);
      combine(rows_.parts_of(turn));
      rows_.end_combining(turn++);
    }
  }

 private:
  const ClusterRows& rows_;
  const P& params_;
  const double* scale_;
  ServerMemory& memory_;
  float* factors_;  // of the chunks of this block
  Tally<float>& tally_;
  unsigned waiting_ = 0;

  LOSSKIT_INLINE void leave_out(uint64_t row, int64_t label) {
    if (label == kBad) tally_.fault(row, 1, Status::label);
    if (rows_.c.values.data != nullptr) static_cast<float*>(rows_.c.values.data)[row] = 0;
  }

  LOSSKIT_INLINE void begin(uint64_t row, int64_t label) {
    const Call& c = rows_.c;
    WaitingRow& w = memory_.waiting[waiting_];
    w.row = row;
    w.place = rows_.place(row) + static_cast<uint64_t>(label);
    w.score = static_cast<double>(float_at<float>(c.inputs[0], w.place));  // before a gradient stands there
    w.weight = static_cast<double>(class_weight<float>(c, label));
    w.incoming = rows_.wants_grad ? incoming_gradient(c, scale_, row) : 0;
  }

  /** What the gradient of the row waits for. */
  LOSSKIT_INLINE void combine(const Part* parts) {
    const auto [whole, sunk] = combine_parts(parts, rows_.chunks, rows_.first, rows_.own, memory_.joints);
    WaitingRow& w = memory_.waiting[waiting_++];
    if (rows_.wants_grad) {
      const MeasuredRows m = {whole.max, whole.whole, whole.rest, 0, 0, w.score, w.weight, w.incoming};
      const double factor = finish_labelled<Loss>(params_, true, m).factor.v;
      if (lane_of_warp() < rows_.own) factors_[lane_of_warp()] = static_cast<float>(factor * sunk);
    }
    if (lane_of_warp() == 0) {
      w.max = whole.max;
      w.whole = whole.whole;
      w.rest = whole.rest;
    }
    __syncwarp();
  }

  /** Finishes the rows that wait, but for the last of them, or with it. */
  LOSSKIT_INLINE void finish(bool all) {
    if (lane_of_warp() < (all ? waiting_ : kMostWaiting)) finish_row();
    __syncwarp();
    if (lane_of_warp() == 0) memory_.waiting[0] = memory_.waiting[kMostWaiting];
    __syncwarp();
    waiting_ = 1;
  }

  /** A row for each lane: its value by the first block of a cluster, the gradient of the label by the block
   * whose slice it stands in. */
  LOSSKIT_INLINE void finish_row() {
    const Call& c = rows_.c;
    const WaitingRow& w = memory_.waiting[lane_of_warp()];
    const MeasuredRows m = {w.max, w.whole, w.rest, 0, 0, w.score, w.weight, w.incoming};
    const FinishedRows done = kSignals ? finish_labelled<Loss>(params_, rows_.wants_grad, m)
                                       : finish_seldom<Loss>(params_, rows_.wants_grad, m);
    const uint64_t column = w.place - rows_.place(w.row) - rows_.first * kChunk;
    if (rows_.wants_grad && column < rows_.own * kChunk)
      put_float(c.grads[0], w.place, static_cast<float>(done.label_grad.v));
    if (rows_.rank != 0) return;
    const auto value = static_cast<float>(done.value.v);
    if (c.values.data != nullptr) static_cast<float*>(c.values.data)[w.row] = value;
    if (c.wants_sum) tally_.add_alone(value);
    if (c.wants_sum && is_mean_weighted(c)) tally_.add_weight_alone(static_cast<float>(w.weight));
    tally_.count(1);
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
