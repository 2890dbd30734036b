// From which sizes on a batch is taken to lie in memory, and what then pays.
#pragma once

#include <stdint.h>

#if defined(__linux__)
#include <unistd.h>
#endif

#if defined(__x86_64__) || defined(_M_X64)
#include "cpu/x86_features.h"
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

/** Beyond as many bytes, inputs are not in the caches of the cores. */
inline uint64_t bytes_in_caches(int threads) { return uint64_t(threads) << 20; }

/** Beyond as many bytes, gradients go past the caches. The last level is shared: of that of a server with
 * hundreds of megabytes a thread does not have much more than of any other. */
inline uint64_t bytes_kept_in_caches(int threads) {
  const uint64_t half = last_level_cache_bytes() / 2, share = uint64_t(threads) << 23;
  return half < share ? half : share;
}

/** Whether inputs should be asked for ahead of reading them. Intel's cores gain by it (Emerald Rapids: a
 * fifth of the time), and AMD's from Zen 5 on; Zen 4 lost by asking for whole blocks, Arm's were not
 * measured.
 */
inline bool fetching_pays() {
#if defined(__x86_64__) || defined(_M_X64)
  constexpr uint32_t zen5 = 26;
  static const bool pays = x86::is_intel() || (x86::is_amd() && x86::family() >= zen5);
  return pays;
#else
  return false;
#endif
}

}  // namespace losskit
