#include "addon/state.h"

#include <string.h>

#include "sum/read.h"

namespace losskit {
namespace {

constexpr uint8_t kVersion = 1;
constexpr uint64_t kMostCount = uint64_t(1) << 62;
constexpr uint64_t kSpecialTerms = kSawNan | kSawPositiveInfinity | kSawNegativeInfinity;

template <class T>
bool sums_are_sound(const uint8_t* bytes) {
  const Sums<T> sums = read_state<T>(bytes);
  return (sums.total.special & ~kSpecialTerms) == 0 && (sums.weight.special & ~kSpecialTerms) == 0;
}

}  // namespace

bool read_state_header(const uint8_t* bytes, size_t size, StateHeader& header) {
  if (size < kStateHeader) return false;
  memcpy(&header, bytes, sizeof header);
  if (memcmp(header.magic, "LKS", 3) != 0 || header.version != kVersion || header.is_double > 1 ||
      header.by_weights > 1 || header.zero[0] != 0 || header.zero[1] != 0 || header.count > kMostCount) {
    return false;
  }
  if (size != (header.is_double != 0 ? kStateBytes<double> : kStateBytes<float>)) return false;
  return header.is_double != 0 ? sums_are_sound<double>(bytes) : sums_are_sound<float>(bytes);
}

void init_state(uint8_t* bytes, bool is_double) {
  memset(bytes, 0, is_double ? kStateBytes<double> : kStateBytes<float>);
  const StateHeader header = {{'L', 'K', 'S'}, kVersion, static_cast<uint8_t>(is_double), 0, {0, 0}, 0};
  memcpy(bytes, &header, sizeof header);
}

template <class T>
Sums<T> read_state(const uint8_t* bytes) {
  Sums<T> sums{};
  StateHeader header;
  memcpy(&header, bytes, sizeof header);
  sums.count = header.count;
  memcpy(&sums.total, bytes + kStateHeader, sizeof sums.total);
  memcpy(&sums.weight, bytes + kStateHeader + sizeof sums.total, sizeof sums.weight);
  return sums;
}

template <class T>
void add_to_state(uint8_t* bytes, const Sums<T>& sums, bool by_weights) {
  Sums<T> held = read_state<T>(bytes);
  StateHeader header;
  memcpy(&header, bytes, sizeof header);
  merge(held.total, sums.total);
  merge(held.weight, sums.weight);
  header.count += sums.count;
  header.by_weights |= static_cast<uint8_t>(by_weights);
  memcpy(bytes, &header, sizeof header);
  memcpy(bytes + kStateHeader, &held.total, sizeof held.total);
  memcpy(bytes + kStateHeader + sizeof held.total, &held.weight, sizeof held.weight);
}

template Sums<float> read_state(const uint8_t*);
template Sums<double> read_state(const uint8_t*);
template void add_to_state(uint8_t*, const Sums<float>&, bool);
template void add_to_state(uint8_t*, const Sums<double>&, bool);

}  // namespace losskit
