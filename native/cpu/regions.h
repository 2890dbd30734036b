// The driver of losses of regions: masks pred[B, HW] and target[B, HW], one value for each image.
// rows = B, columns = HW.
//
// An image is measured in chunks of 4096 pixels, each in sixteen lanes of float64, and the chunks are added
// in order, so any thread may take any chunk. The gradient reads the image again.
#pragma once

#include "cpu/row_group.h"
#include "losses/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

constexpr uint64_t kPixels = 4096;

template <class T>
struct PixelScratch {
  alignas(64) T pred[kPixels], target[kPixels], grad[kPixels];
};

inline uint64_t image_chunks(const Call& c) { return (c.columns + kPixels - 1) / kPixels; }
inline uint64_t all_image_chunks(const Call& c) { return c.rows * image_chunks(c); }

LOSSKIT_INLINE size_t chunk_pixels(const Call& c, uint64_t chunk) {
  const uint64_t left = c.columns - chunk * kPixels;
  return static_cast<size_t>(left < kPixels ? left : kPixels);
}

/** Notes the first pixel that is neither 0 nor 1. */
template <class T>
bool is_binary(const T* x, size_t n, int input, uint64_t at, Fault& fault) {
  for (size_t i = 0; i < n; ++i) {
    if (x[i] == T(0) || x[i] == T(1)) continue;
    fault = {Status::domain, input, at + i, static_cast<double>(x[i])};
    return false;
  }
  return true;
}

template <class Loss, class T>
Overlap measure_pixels(const Call& c, uint64_t row, uint64_t chunk, PixelScratch<T>& scratch, Fault& fault) {
  using V = vec<T, 16>;
  using D = vec<double, 16>;
  if (fault.status != Status::ok) return {};
  const size_t n = chunk_pixels(c, chunk);
  const uint64_t at = row * c.columns + chunk * kPixels;
  const T* p = read_block(c.inputs[0], at, n, scratch.pred);
  const T* t = read_block(c.inputs[1], at, n, scratch.target);
  if constexpr (gradients_of<Loss>().count == 0) {
    const bool refused = !is_binary(p, n, 0, at, fault);
    // Of the target only what comes before it: the first pixel that is refused is named.
    const size_t before = refused ? static_cast<size_t>(fault.index - at) : n;
    if (!is_binary(t, before, 1, at, fault) || refused) return {};
  }
  const bool fetches = fetches_in_place<T>(c);
  D both(0), only_pred(0), only_target(0);
  for (size_t i = 0; i < n; i += 16) {
    if (fetches) fetch_ahead(p + i, 16 * sizeof(T)), fetch_ahead(t + i, 16 * sizeof(T));
    const D x = widen(load_some<V>(p + i, n - i, T(0))), y = widen(load_some<V>(t + i, n - i, T(0)));
    both = fma(x, y, both);
    only_pred = fma(x, D(1) - y, only_pred);
    only_target = fma(y, D(1) - x, only_target);
  }
  return {sum_lanes(both), sum_lanes(only_pred), sum_lanes(only_target)};
}

/** Chunks of an image, added in order. */
template <class F>
LOSSKIT_INLINE Overlap add_chunks(uint64_t chunks, F chunk) {
  Overlap all{};
  for (uint64_t k = 0; k < chunks; ++k) {
    const Overlap one = chunk(k);
    all.both += one.both, all.only_pred += one.only_pred, all.only_target += one.only_target;
  }
  return all;
}

/** What the gradient of an image's pixels is made of: slope t + base. */
struct PixelSlope {
  double slope, base;
};

/** The value of an image, put into the group, and its gradient's parts. */
template <class Loss, class T>
PixelSlope finish_image(const Call& c, uint64_t row, const Overlap& overlap, T& value) {
  const RegionOut out = Loss::of(overlap, c.params);
  const double weight = row_weight(c, row), incoming = incoming_gradient(c, row) * weight;
  value = static_cast<T>(weight * out.value);
  return {incoming * out.slope, incoming * out.base};
}

template <class T>
void write_pixels(const Call& c, uint64_t row, uint64_t chunk, const PixelSlope& s,
                  PixelScratch<T>& scratch) {
  using V = vec<T, 16>;
  using D = vec<double, 16>;
  const size_t n = chunk_pixels(c, chunk);
  const uint64_t at = row * c.columns + chunk * kPixels;
  const T* t = read_block(c.inputs[1], at, n, scratch.target);
  T* out = output_block(c.grads[0], at, scratch.grad);
  const D slope(s.slope), base(s.base);
  write_all(out, n, c.stream && out != scratch.grad, [&](size_t i, size_t count) LOSSKIT_LAMBDA {
    return narrow_to<T>(fma(widen(load_some<V>(t + i, count, T(0))), slope, base));
  });
  flush_block(c.grads[0], at, n, out);
}

template <class Loss, class T>
void region_rows(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  PixelScratch<T> scratch;
  RowGroup<T> group;
  const uint64_t chunks = image_chunks(c);
  size_t n;
  for (uint64_t at = begin; at < end; at += n) {
    n = end - at < kRowGroup ? static_cast<size_t>(end - at) : kRowGroup;
    for (size_t i = 0; i < n; ++i) {
      const uint64_t row = at + i;
      const Overlap overlap = add_chunks(
          chunks, [&](uint64_t k) { return measure_pixels<Loss>(c, row, k, scratch, sums.fault); });
      if (sums.fault.status != Status::ok) return;
      const PixelSlope slope = finish_image<Loss>(c, row, overlap, group.values[i]);
      if (c.grads[0].data == nullptr) continue;
      for (uint64_t k = 0; k < chunks; ++k) write_pixels(c, row, k, slope, scratch);
    }
    group.finish(c, at, n, n, sums);
  }
}

// The same for images in pieces: measure all chunks, finish the images, write the gradients of all chunks.

inline Overlap* shared_overlaps(const Call& c) { return static_cast<Overlap*>(c.shared); }
inline PixelSlope* shared_slopes(const Call& c) {
  return reinterpret_cast<PixelSlope*>(shared_overlaps(c) + all_image_chunks(c));
}
inline uint64_t region_shared(const Call& c) {
  return all_image_chunks(c) * sizeof(Overlap) + c.rows * sizeof(PixelSlope);
}

template <class Loss, class T>
void measure_images(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  PixelScratch<T> scratch;
  const uint64_t chunks = image_chunks(c);
  for (uint64_t i = begin; i < end && sums.fault.status == Status::ok; ++i) {
    shared_overlaps(c)[i] = measure_pixels<Loss>(c, i / chunks, i % chunks, scratch, sums.fault);
  }
}

template <class Loss, class T>
void finish_images(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  const uint64_t chunks = image_chunks(c);
  RowGroup<T> group;
  for (uint64_t row = begin; row < end; ++row) {
    const Overlap* measured = shared_overlaps(c) + row * chunks;
    const Overlap overlap = add_chunks(chunks, [measured](uint64_t k) { return measured[k]; });
    shared_slopes(c)[row] = finish_image<Loss>(c, row, overlap, group.values[0]);
    group.finish(c, row, 1, 1, sums);
  }
}

template <class T>
void write_images(const Call& c, uint64_t begin, uint64_t end, Sums<T>&, void*) {
  PixelScratch<T> scratch;
  const uint64_t chunks = image_chunks(c);
  for (uint64_t i = begin; i < end; ++i) {
    write_pixels(c, i / chunks, i % chunks, shared_slopes(c)[i / chunks], scratch);
  }
}

template <class Loss, class T>
constexpr KernelEntry<T> region_entry() {
  KernelEntry<T> entry{};
  for (auto& phases : entry.plan.phases) phases[0].walk = region_rows<Loss, T>;
  for (auto& phases : entry.split.phases) {
    phases[0] = {measure_images<Loss, T>, all_image_chunks, nullptr, nullptr};
    phases[1].walk = finish_images<Loss, T>;
    if (&phases != entry.split.phases + kValue)
      phases[2] = {write_images<T>, all_image_chunks, nullptr, nullptr};
  }
  entry.split.shared = region_shared;
  entry.pieces = image_chunks;
  return entry;
}

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
