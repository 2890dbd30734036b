#include "addon/cuda/pinned.h"

#include <bit>
#include <iterator>
#include <map>
#include <mutex>
#include <vector>

#include "addon/cuda/device.h"

namespace losskit {
namespace {

constexpr uint64_t kLeastStaging = 4096, kMostKept = uint64_t(256) << 20;
constexpr int kClasses = std::countr_zero(kMostStaging / kLeastStaging) + 1;

struct Pinned {
  std::mutex mutex;
  std::vector<PinnedBlock*> staging[kClasses];  // by size, powers of two
  uint64_t kept = 0;
  std::map<uintptr_t, PinnedBlock*> of_arrays;  // by where they begin
};

/** Never deleted, as threads use it until the process has ended. */
Pinned& pinned() {
  static Pinned* const pinned = new Pinned;
  return *pinned;
}

int class_of(uint64_t bytes) {
  return bytes <= kLeastStaging ? 0 : static_cast<int>(std::bit_width((bytes - 1) / kLeastStaging));
}

Ref<PinnedBlock> allocate(uint64_t bytes, bool for_staging) {
  void* memory = nullptr;
  const cuda::Code code = cuda_library()->allocate_pinned(bytes, &memory);
  if (code != 0) throw CudaFailure(code, "allocating pinned memory", bytes);
  return Ref<PinnedBlock>(new PinnedBlock(memory, bytes, for_staging));
}

uintptr_t address_of(const void* data) { return reinterpret_cast<uintptr_t>(data); }

}  // namespace

Ref<PinnedBlock> take_staging(uint64_t bytes) {
  const int size = class_of(bytes);
  Pinned& p = pinned();
  {
    std::lock_guard lock(p.mutex);
    if (!p.staging[size].empty()) {
      Ref<PinnedBlock> block(p.staging[size].back());
      p.staging[size].pop_back();
      p.kept -= block->bytes;
      return block;
    }
  }
  return allocate(kLeastStaging << size, true);
}

Ref<PinnedBlock> allocate_pinned(uint64_t bytes) {
  Ref<PinnedBlock> block = allocate(bytes, false);
  Pinned& p = pinned();
  std::lock_guard lock(p.mutex);
  p.of_arrays.emplace(address_of(block->data), block.get());
  return block;
}

Ref<PinnedBlock> find_pinned(const void* data, uint64_t bytes) {
  Pinned& p = pinned();
  std::lock_guard lock(p.mutex);
  const auto next = p.of_arrays.upper_bound(address_of(data));
  if (next == p.of_arrays.begin()) return {};
  PinnedBlock* const block = std::prev(next)->second;
  const bool is_inside = address_of(data) + bytes <= address_of(block->data) + block->bytes;
  return is_inside ? Ref<PinnedBlock>(block) : Ref<PinnedBlock>();
}

void PinnedBlock::last_owner_gone() {
  Pinned& p = pinned();
  {
    std::lock_guard lock(p.mutex);
    if (is_staging_ && p.kept + bytes <= kMostKept) {
      p.staging[class_of(bytes)].push_back(this);
      p.kept += bytes;
      return;
    }
    if (!is_staging_) p.of_arrays.erase(address_of(data));
  }
  cuda_library()->release_pinned(data);
  delete this;
}

}  // namespace losskit
