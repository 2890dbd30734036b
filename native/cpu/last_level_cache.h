// The size of the cache beyond which writing past it pays.
#pragma once

#include <stdint.h>

#if defined(__linux__)
#include <unistd.h>
#endif

namespace losskit {

inline uint64_t last_level_cache_bytes() {
  static const uint64_t bytes = [] {
    uint64_t most = 0;
#if defined(_SC_LEVEL3_CACHE_SIZE)
    for (int name : {_SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE}) {
      const long size = sysconf(name);
      if (size > 0 && static_cast<uint64_t>(size) > most) most = static_cast<uint64_t>(size);
    }
#endif
    return most != 0 ? most : uint64_t(16) << 20;
  }();
  return bytes;
}

}  // namespace losskit
