// What the lanes of a warp tell each other.
#pragma once

#include <string.h>

#include <type_traits>

#include "cuda/emulated/language.h"

namespace losskit::emulated {

enum class Meeting : uint8_t { barrier, shuffle, ballot };

/** Waits until every lane of the mask that has not ended has come to the same kind of meeting with the same
 * mask. Of a shuffle: what the source brought; all ones where it did not come, which CUDA leaves undefined.
 * Of a ballot: the lanes that brought anything but 0. */
uint64_t meet(uint32_t mask, Meeting kind, uint64_t brought = 0, uint32_t source = 0);

inline uint32_t lane() { return threadIdx.x & 31; }

/** CUDA shuffles these and nothing else. */
template <class T>
concept Shuffled = std::is_arithmetic_v<T> &&(sizeof(T) == 4 || sizeof(T) == 8);

template <Shuffled T>
T shuffle(uint32_t mask, T value, uint32_t source) {
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof(T));
  bits = meet(mask, Meeting::shuffle, bits, source);
  memcpy(&value, &bits, sizeof(T));
  return value;
}

/** The first lane of the part that this one belongs to, and the last. */
inline uint32_t first_of(int width) { return lane() & ~(static_cast<uint32_t>(width) - 1); }
inline uint32_t last_of(int width) { return first_of(width) + static_cast<uint32_t>(width) - 1; }

}  // namespace losskit::emulated

inline void __syncwarp(unsigned mask = 0xffffffff) {
  losskit::emulated::meet(mask, losskit::emulated::Meeting::barrier);
}

inline unsigned __ballot_sync(unsigned mask, int vote) {
  return static_cast<unsigned>(losskit::emulated::meet(mask, losskit::emulated::Meeting::ballot, vote != 0));
}
inline int __any_sync(unsigned mask, int vote) { return __ballot_sync(mask, vote) != 0; }
inline int __all_sync(unsigned mask, int vote) { return __ballot_sync(mask, vote == 0) == 0; }

template <losskit::emulated::Shuffled T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  const uint32_t within = static_cast<uint32_t>(source) & (static_cast<uint32_t>(width) - 1);
  return losskit::emulated::shuffle(mask, value, losskit::emulated::first_of(width) + within);
}
template <losskit::emulated::Shuffled T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32) {
  const uint32_t other = losskit::emulated::lane() ^ static_cast<uint32_t>(bits);
  const bool within = other <= losskit::emulated::last_of(width);
  return losskit::emulated::shuffle(mask, value, within ? other : losskit::emulated::lane());
}
template <losskit::emulated::Shuffled T>
T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32) {
  const uint32_t other = losskit::emulated::lane() + by;
  const bool within = other <= losskit::emulated::last_of(width);
  return losskit::emulated::shuffle(mask, value, within ? other : losskit::emulated::lane());
}
template <losskit::emulated::Shuffled T>
T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32) {
  const bool within = losskit::emulated::lane() >= losskit::emulated::first_of(width) + by;
  return losskit::emulated::shuffle(mask, value, losskit::emulated::lane() - (within ? by : 0));
}
