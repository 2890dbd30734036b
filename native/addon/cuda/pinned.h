// Memory of the host that devices copy from and to by themselves.
#pragma once

#include <stdint.h>

#include "addon/cuda/counted.h"

namespace losskit {

class PinnedBlock : public Counted<PinnedBlock> {
 public:
  void* const data;
  const uint64_t bytes;

  PinnedBlock(void* memory, uint64_t size, bool for_staging)
      : data(memory), bytes(size), is_staging_(for_staging) {}
  /** Staging is kept for the next copy, as far as it is not too much. */
  void last_owner_gone();

 private:
  const bool is_staging_;
};

/** A copy of more bytes than this takes several blocks. */
constexpr uint64_t kMostStaging = uint64_t(16) << 20;

/** A block of at least so many bytes, at most `kMostStaging`, for a copy under way. */
Ref<PinnedBlock> take_staging(uint64_t bytes);

/** A block that arrays of JavaScript lie in. */
Ref<PinnedBlock> allocate_pinned(uint64_t bytes);

/** The block of that kind in which this memory lies; none where it lies elsewhere. */
Ref<PinnedBlock> find_pinned(const void* data, uint64_t bytes);

}  // namespace losskit
