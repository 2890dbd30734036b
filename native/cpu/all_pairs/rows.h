// How all pairs are cut into blocks.
#pragma once

#include "cpu/all_pairs/tiles.h"
#include "cpu/softmax/finish.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

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

inline uint64_t measured_items(const Call& c) { return blocks_of_x(c) * records_of(c); }

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
