// How all pairs are cut into blocks and strips, and what the phases of a call share of every row.
#pragma once

#include "cpu/all_pairs/tiles.h"
#include "cpu/softmax/finish.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class Loss>
constexpr bool is_self = Loss::clusters != Clusters::none;

/** Columns that are measured as one strip of a row. */
constexpr uint64_t kStrip = 4096;
/** Norms are taken to be at least this. */
constexpr double kLeastNorm = 1e-8;
/** Rows with numbers beyond, which only float64 has, are made smaller: their squares would overflow. */
constexpr double kLarge = 0x1p400, kShrunk = 0x1p-600;
constexpr uint64_t kNotPacked = ~uint64_t(0);

/** Rows that a thread takes at once: many, for each tile of the others is packed for them, but not so many
 * that threads lack blocks or sums lack cache. */
inline uint64_t block_of(uint64_t rows, uint64_t columns) {
  uint64_t block = kTile;
  while (block > 16 && (block * columns > (uint64_t(1) << 19) || rows < block * 8)) block /= 2;
  return block;
}
inline uint64_t block_of_x(const Call& c) { return block_of(c.rows, c.columns); }
inline uint64_t block_of_y(const Call& c) { return block_of(c.others, c.columns); }
inline uint64_t blocks_of_x(const Call& c) { return (c.rows + block_of_x(c) - 1) / block_of_x(c); }
inline uint64_t blocks_of_y(const Call& c) { return (c.others + block_of_y(c) - 1) / block_of_y(c); }

inline TileShape tiles_of_x(const Call& c) { return {smaller(block_of_x(c), c.rows), c.others, c.columns}; }
inline TileShape tiles_of_y(const Call& c) { return {smaller(block_of_y(c), c.others), c.rows, c.columns}; }
/** Without rows nothing bounds the columns. */
inline uint64_t score_scratch(const Call& c) { return c.rows == 0 ? 0 : tiles_of_x(c).bytes(false); }
inline uint64_t sum_scratch_of_x(const Call& c) { return c.rows == 0 ? 0 : tiles_of_x(c).bytes(true); }
inline uint64_t sum_scratch_of_y(const Call& c) { return c.others == 0 ? 0 : tiles_of_y(c).bytes(true); }

/** Of so many walks over all pairs: a step of a score costs half a nanosecond in eight, a pair some more. */
inline uint64_t pair_work(const Call& c, double walks) {
  const double pairs = static_cast<double>(c.rows) * static_cast<double>(c.others);
  const double work = walks * pairs * (static_cast<double>(c.columns) / 2 + 16);
  return work < 0x1p60 ? static_cast<uint64_t>(work) : uint64_t(1) << 60;
}
inline uint64_t score_walk_work(const Call& c) { return pair_work(c, 1); }
inline uint64_t sum_walk_work(const Call& c) { return pair_work(c, 2); }

/** Few rows have their strips measured by different threads, and kept apart until all are there. */
inline uint64_t strips_of(const Call& c) { return (c.others + kStrip - 1) / kStrip; }
inline uint64_t records_of(const Call& c) { return c.rows >= 4096 || strips_of(c) == 0 ? 1 : strips_of(c); }
inline uint64_t measured_items(const Call& c) { return blocks_of_x(c) * records_of(c); }

/** What is known of the rows of x, each an array: the derivative of the whole by a score of row i is
 * e^(s - max) factor - uniform q for most; see `slope_of` for positives. */
struct Rows {
  double *max, *factor, *uniform, *label_score, *label_slope, *positive, *shift;
  double *inverse_x, *inverse_y;  // of the norms
  double *scale_x, *scale_y;      // powers of two that keep the squares of float64 finite
  int64_t* labels;
  Chunk* measured;  // [row][record]
};

template <class Loss>
LOSSKIT_INLINE Rows rows_of(const Call& c) {
  double* p = static_cast<double*>(c.shared);
  const auto take = [&](uint64_t n) {
    double* const taken = p;
    p += n;
    return taken;
  };
  Rows r;
  double** const arrays[] = {&r.max,      &r.factor, &r.uniform,   &r.label_score, &r.label_slope,
                             &r.positive, &r.shift,  &r.inverse_x, &r.scale_x};
  for (double** array : arrays) *array = take(c.rows);
  r.inverse_y = is_self<Loss> ? r.inverse_x : take(c.others);
  r.scale_y = is_self<Loss> ? r.scale_x : take(c.others);
  r.labels = reinterpret_cast<int64_t*>(take(c.rows));
  r.measured = reinterpret_cast<Chunk*>(p);
  return r;
}
inline uint64_t rows_bytes(const Call& c) {
  return (10 * c.rows + 2 * c.others) * sizeof(double) + c.rows * records_of(c) * sizeof(Chunk);
}

template <class Loss, class T>
LOSSKIT_INLINE Matrix matrix_x(const Call& c, const Rows& r) {
  return {c.inputs[0], c.rows, c.columns, Loss::cosine && sizeof(T) == 8 ? r.scale_x : nullptr};
}
template <class Loss, class T>
LOSSKIT_INLINE Matrix matrix_y(const Call& c, const Rows& r) {
  if constexpr (is_self<Loss>) return matrix_x<Loss, T>(c, r);
  return {c.inputs[1], c.others, c.columns, Loss::cosine && sizeof(T) == 8 ? r.scale_y : nullptr};
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
