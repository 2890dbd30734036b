// A row whose right classes are listed: every right class is compared with all wrong ones, in sixteen lanes
// and in float64.
#pragma once

#include "losses/softmax.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr uint64_t whole_vectors(uint64_t n) { return (n + 15) / 16 * 16; }

/** Memory for a row: the classes of its list, and in whole vectors its scores, where its wrong classes are (1
 * or 0), and the slopes of its classes. */
template <class T>
struct ListedRow {
  int64_t* labels;
  T *scores, *wrong, *slopes;

  LOSSKIT_INLINE ListedRow(void* memory, uint64_t padded)
      : labels(static_cast<int64_t*>(memory)),
        scores(reinterpret_cast<T*>(labels + padded)),
        wrong(scores + padded),
        slopes(wrong + padded) {}
};

/** Whether a number of a row is in the lanes of this thread: on a processor all are. */
LOSSKIT_INLINE bool has_lane_of([[maybe_unused]] uint64_t i) {
#if defined(LOSSKIT_CUDA)
  return i % kTeam == lane();
#else
  return true;
#endif
}

/** The sum of a row's terms; the slopes of its classes are left in the memory of the row. */
template <class Loss, class T, class P>
LOSSKIT_INLINE double sum_listed(const ListedRow<T>& listed, int64_t count, uint64_t padded, bool wants_grad,
                                 const P& params) {
  using V = vec<T, 16>;
  Doubles sum(0);
  for (int64_t k = 0; k < count; ++k) {
    const int64_t label = listed.labels[k];
    const Doubles right(static_cast<double>(listed.scores[label]));
    Doubles slope(0);
    for (uint64_t i = 0; i < padded; i += 16) {
      const V is_wrong = V::load(listed.wrong + i);
      const Out<Doubles> one = Loss::at(widen(V::load(listed.scores + i)) - right, params);
      const auto counts = widen(is_wrong) == Doubles(1);
      sum = sum + select(counts, one.value, Doubles(0));
      if (!wants_grad) continue;
      const Doubles steep = select(counts, one.grad, Doubles(0));
      slope = slope + steep;
      (V::load(listed.slopes + i) + narrow_to<T>(steep)).store(listed.slopes + i);
    }
    if (!wants_grad) continue;
    const T paid = static_cast<T>(sum_lanes(slope));
    if (has_lane_of(static_cast<uint64_t>(label))) listed.slopes[label] -= paid;
  }
  return sum_lanes(sum);
}

/** Turns slopes into the gradient. */
template <class T>
LOSSKIT_INLINE void scale_slopes(const ListedRow<T>& listed, uint64_t padded, double factor) {
  using V = vec<T, 16>;
  for (uint64_t i = 0; i < padded; i += 16) {
    narrow_to<T>(fma(Doubles(factor), widen(V::load(listed.slopes + i)), Doubles(0)))
        .store(listed.slopes + i);
  }
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
