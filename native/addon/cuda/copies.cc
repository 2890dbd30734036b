#include "addon/cuda/copies.h"

#include <string.h>

#include "addon/cuda/calls.h"
#include "addon/cuda/pinned.h"
#include "addon/exports.h"

namespace losskit {
namespace {

uint64_t least(uint64_t a, uint64_t b) { return a < b ? a : b; }

void copy(CudaStream& stream, void* to, const void* from, uint64_t bytes) {
  stream.device.succeed(cuda_library()->copy(stream.device.index, stream.handle, to, from, bytes), "copying");
}

using Blocks = std::vector<Ref<PinnedBlock>>;

/** Blocks that copies under way need, and nobody waits for. */
struct Lent final : Completion {
  Blocks blocks;
  explicit Lent(Blocks&& lent) : blocks(std::move(lent)) {}
  void done() override { delete this; }
};

/** Blocks for so many bytes; all at once, for where there is no memory nothing should be under way. */
Blocks take_blocks(uint64_t bytes) {
  Blocks blocks;
  for (uint64_t at = 0; at < bytes; at += kMostStaging)
    blocks.push_back(take_staging(least(bytes - at, kMostStaging)));
  return blocks;
}

/** Calls `each` with every block, where its bytes begin and how many they are. */
template <class Each>
void walk(const Blocks& blocks, uint64_t bytes, Each each) {
  uint64_t at = 0;
  for (const Ref<PinnedBlock>& block : blocks) {
    const uint64_t size = least(bytes - at, kMostStaging);
    each(block->data, at, size);
    at += size;
  }
}

/** Bytes on their way into an array, which they reach on the thread of JavaScript, or by themselves. */
struct Download final : Pending {
  Blocks blocks;
  napi_ref array = nullptr;
  uint64_t bytes = 0;
  bool is_direct = false;

  napi_value result(napi_env env) override {
    napi_value value;
    check(napi_get_reference_value(env, array, &value), "array");
    napi_delete_reference(env, array);
    const Bytes to = read_bytes(env, value);
    const bool is_there = to.size == bytes;
    if (code == 0 && is_there && !is_direct) {
      walk(blocks, bytes, [&](const void* staging, uint64_t at, uint64_t size) {
        memcpy(static_cast<char*>(to.data) + at, staging, size);
      });
    }
    return make_numbers(env, {static_cast<double>(code), is_there ? 1.0 : 0.0});
  }
};

}  // namespace

void upload(CudaStream& stream, DeviceMemory& to, const Bytes& from) {
  require(from.size == to.bytes(), "sizes of array and device memory");
  if (from.size == 0) return;
  stream.device.require_alive("copying");
  to.write_on(stream);
  Blocks blocks;
  try {
    if (Ref<PinnedBlock> block = find_pinned(from.data, from.size)) {
      blocks.push_back(std::move(block));
      copy(stream, to.data(), from.data, from.size);
    } else {
      blocks = take_blocks(from.size);
      walk(blocks, from.size, [&](void* staging, uint64_t at, uint64_t size) {
        memcpy(staging, static_cast<const char*>(from.data) + at, size);
        copy(stream, static_cast<char*>(to.data()) + at, staging, size);
      });
    }
  } catch (...) {
    stream.complete(new Lent(std::move(blocks)));
    throw;
  }
  stream.complete(new Lent(std::move(blocks)));
}

napi_value download(napi_env env, CudaStream& stream, DeviceMemory& from, napi_value array) {
  const Bytes to = read_bytes(env, array);
  require(to.size == from.bytes(), "sizes of array and device memory");
  stream.device.require_alive("copying");
  from.read_on(stream);
  auto download = std::make_unique<Download>();
  download->bytes = to.size;
  Blocks& blocks = download->blocks;
  try {
    if (Ref<PinnedBlock> block = find_pinned(to.data, to.size)) {
      download->is_direct = true;
      blocks.push_back(std::move(block));
      copy(stream, to.data, from.data(), to.size);
    } else {
      blocks = take_blocks(to.size);
      walk(blocks, to.size, [&](void* staging, uint64_t at, uint64_t size) {
        copy(stream, staging, static_cast<char*>(from.data()) + at, size);
      });
    }
  } catch (...) {
    stream.complete(new Lent(std::move(blocks)));
    throw;
  }
  check(napi_create_reference(env, array, 1, &download->array), "reference");
  return await_stream(env, stream, std::move(download));
}

}  // namespace losskit
