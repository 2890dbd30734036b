// What an x86 processor has and the system lets use. Asked of the processor itself: the builtin for it is not
// in every compiler's library, and does not know every feature in each.
#pragma once

#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif

#include <cstdint>

namespace losskit::x86 {

struct Registers {
  uint32_t eax, ebx, ecx, edx;
};

/** All zero if the processor does not know the leaf. */
inline Registers cpuid(uint32_t leaf) {
  Registers r{};
#if defined(_MSC_VER)
  int numbers[4];
  __cpuid(numbers, 0);
  if (static_cast<uint32_t>(numbers[0]) < leaf) return r;
  __cpuidex(numbers, static_cast<int>(leaf), 0);
  r = {static_cast<uint32_t>(numbers[0]), static_cast<uint32_t>(numbers[1]),
       static_cast<uint32_t>(numbers[2]), static_cast<uint32_t>(numbers[3])};
#else
  __get_cpuid_count(leaf, 0, &r.eax, &r.ebx, &r.ecx, &r.edx);
#endif
  return r;
}

/** Which registers the system saves; only where cpuid says that it may be asked. */
inline uint32_t saved_registers() {
#if defined(_MSC_VER)
  return static_cast<uint32_t>(_xgetbv(0));
#else
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
#endif
}

constexpr bool has(uint32_t all, uint32_t bits) { return (all & bits) == bits; }
constexpr uint32_t bit(int n) { return uint32_t{1} << n; }

constexpr uint32_t kFma = bit(12), kOsxsave = bit(27), kF16c = bit(29);  // leaf 1, ecx
constexpr uint32_t kAvx2 = bit(5);                                       // leaf 7, ebx
constexpr uint32_t kAvx512F = bit(16), kAvx512Dq = bit(17), kAvx512Bw = bit(30),
                   kAvx512Vl = bit(31);  // likewise
constexpr uint32_t kYmm = bit(1) | bit(2), kZmm = kYmm | bit(5) | bit(6) | bit(7);

inline bool is_intel() {
  const Registers name = cpuid(0);  // "GenuineIntel"
  return name.ebx == 0x756e6547 && name.edx == 0x49656e69 && name.ecx == 0x6c65746e;
}

inline bool is_amd() {
  const Registers name = cpuid(0);  // "AuthenticAMD"
  return name.ebx == 0x68747541 && name.edx == 0x69746e65 && name.ecx == 0x444d4163;
}

/** The number of a generation of processors; each maker counts for itself. */
inline uint32_t family() {
  const uint32_t version = cpuid(1).eax, base = version >> 8 & 15;
  return base == 15 ? base + (version >> 20 & 255) : base;
}

inline bool saves(uint32_t registers) {
  return has(cpuid(1).ecx, kOsxsave) && has(saved_registers(), registers);
}

inline bool has_avx2() { return saves(kYmm) && has(cpuid(1).ecx, kFma | kF16c) && has(cpuid(7).ebx, kAvx2); }

inline bool has_avx512() {
#if defined(__APPLE__)
  const uint32_t saved = kYmm;  // macOS begins to save the others when a thread first uses them
#else
  const uint32_t saved = kZmm;
#endif
  return has_avx2() && saves(saved) && has(cpuid(7).ebx, kAvx512F | kAvx512Dq | kAvx512Bw | kAvx512Vl);
}

}  // namespace losskit::x86
