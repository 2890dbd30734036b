// The driver of rows of vectors against rows of vectors: x[M, D] against y[N, D], or embeddings against
// themselves. rows = M, columns = D, others = N.
//
// The scores of all pairs are never held. They come in tiles (all_pairs/tiles.h), of which a first walk keeps
// what a row's softmax is made of, as softmax.h does: every 128 scores have their own maximum, and are
// combined in the order of the row, by strips of 4096. The gradient of a row walks the same tiles again,
// turns every score into the derivative by it, and adds the rows weighted so; the rows of y do the same with
// the sides exchanged, which gives each score the same bits. Vectors are not normalised but their scores are:
// that takes no copy.
#pragma once

#include "cpu/all_pairs/gradients.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** The values of a block of rows, and their gradients where they need no other block. */
template <class Loss, class T, bool with_gradient>
void finish_pairs(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void* scratch) {
  const Rows r = rows_of<Loss>(c);
  const Tile t(scratch, tiles_of_x(c));
  const uint64_t block = block_of_x(c);
  RowGroup<T> group;
  PositiveSums positives[Loss::clusters == Clusters::apart ? kTile : 1];
  for (uint64_t item = begin; item < end; ++item) {
    const uint64_t row = item * block, rows = smaller(c.rows - row, block);
    if constexpr (Loss::clusters == Clusters::apart) sum_positives<Loss, T>(c, r, row, rows, positives, t);
    size_t kept = 0;
    for (uint64_t i = 0; i < rows; ++i) {
      RowValue value;
      if constexpr (Loss::clusters == Clusters::none) {
        value = finish_labelled<Loss>(c, r, row + i);
      } else if constexpr (Loss::clusters == Clusters::together) {
        value = finish_together<Loss>(c, r, row + i, incoming_gradient(c, row + i));
      } else {
        value = finish_apart<Loss>(c, r, row + i, positives[i]);
      }
      group.values[i] = static_cast<T>(value.value);
      group.weights[i] = static_cast<T>(value.weight);
      kept += value.counts ? 1 : 0;
    }
    group.finish(c, row, rows, kept, sums, c.weight.data != nullptr);
    if constexpr (with_gradient) gradient_of_x<Loss, T>(c, r, row, rows, t);
  }
}

template <class Loss, class T>
void gradients_of_clusters(const Call& c, uint64_t begin, uint64_t end, Sums<T>&, void* scratch) {
  const Rows r = rows_of<Loss>(c);
  const Tile t(scratch, tiles_of_x(c));
  const uint64_t block = block_of_x(c);
  for (uint64_t item = begin; item < end; ++item) {
    gradient_of_x<Loss, T>(c, r, item * block, smaller(c.rows - item * block, block), t);
  }
}

/** Finishing rows without gradients takes no walk, but for the positives that stand apart. */
template <class Loss>
uint64_t finish_work(const Call& c) {
  return Loss::clusters == Clusters::apart ? score_walk_work(c) : c.rows * 64;
}

template <class Loss, class T>
constexpr KernelEntry<T> pairs_entry() {
  KernelEntry<T> entry{};
  for (auto& phases : entry.plan.phases) {
    const bool has_gradient = &phases != entry.plan.phases + kValue;
    phases[0] = {prepare_rows<Loss, T>, prepared_items<Loss>, nullptr, nullptr};
    phases[1] = {measure_pairs<Loss, T>, measured_items, score_walk_work, score_scratch};
    phases[2] = {finish_pairs<Loss, T, false>, blocks_of_x, finish_work<Loss>, score_scratch};
    if (!has_gradient) continue;
    if constexpr (is_self<Loss>) {
      phases[3] = {gradients_of_clusters<Loss, T>, blocks_of_x, sum_walk_work, sum_scratch_of_x};
    } else {
      phases[2] = {finish_pairs<Loss, T, true>, blocks_of_x, sum_walk_work, sum_scratch_of_x};
      phases[3] = {gradients_of_y<Loss, T>, blocks_of_y, sum_walk_work, sum_scratch_of_y};
    }
  }
  entry.plan.shared = rows_bytes;
  if constexpr (is_self<Loss>) entry.survey = survey_anchors<T>;
  if constexpr (Loss::labels == 2) entry.survey = survey_targets<T>;
  return entry;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
