#include "addon/overlap.h"

#include "addon/frame.h"
#include "cpu/catalogue.h"

namespace losskit {
namespace {

/** Where an array lies; nothing where it is absent or empty. */
struct Extent {
  uintptr_t begin = 0, end = 0;

  Extent() = default;
  Extent(const void* data, uint64_t size, Dtype dtype) {
    if (dtype == Dtype::absent || size == 0) return;
    begin = reinterpret_cast<uintptr_t>(data);
    end = begin + size * kDtypeBytes[static_cast<int>(dtype)];
  }
  bool is_empty() const { return begin == end; }
  bool overlaps(const Extent& other) const { return begin < other.end && other.begin < end; }
  bool operator==(const Extent& other) const = default;
};

template <class T>
Extent extent_of(const T& t) {
  return {t.data, t.size, t.dtype};
}

constexpr int kWeight = kInputs, kValues = kInputs + 2, kFirstGrad = kValues + 1;

}  // namespace

Overlap find_overlap(const Call& c, bool in_place) {
  const Kernel& kernel = kernel_at(c.kernel);
  const Tensor* const read[] = {&c.inputs[0], &c.inputs[1], &c.inputs[2],
                                &c.inputs[3], &c.weight,    &c.upstream};
  static_assert(kWeight + 2 == sizeof read / sizeof *read && kFirstGrad + kGrads == kArrays);
  Extent written[kGrads + 1];
  for (int i = 0; i <= kGrads; ++i) {
    const bool is_grad = i < kGrads;
    const Extent output = is_grad ? extent_of(c.grads[i]) : extent_of(c.values);
    if (output.is_empty()) continue;
    const int position = is_grad ? kFirstGrad + i : kValues;
    for (int k = 0; k < kWeight + 2; ++k) {
      const Extent other = extent_of(*read[k]);
      if (!output.overlaps(other)) continue;
      const bool is_own = in_place && is_grad && i < kernel.grads && kernel.grad_of[i] == k;
      if (!(is_own && output == other)) return {position, k};
    }
    for (int k = 0; k < i; ++k) {
      if (output.overlaps(written[k])) return {position, kFirstGrad + k};
    }
    written[i] = output;
  }
  return {};
}

}  // namespace losskit
