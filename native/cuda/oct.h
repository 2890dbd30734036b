// Eight numbers of a row, in four lanes and in the four that are sixteen lanes further, or of a half type in
// eight neighbouring lanes: so that neighbouring threads read neighbouring bytes, sixteen each.
#pragma once

#include <type_traits>

#include "cuda/halves.h"
#include "simd/math.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

/** What is read in one access: four floats, or eight halves by their bits. */
template <class S>
struct alignas(16) Piece {
  static constexpr int numbers = 16 / sizeof(S);
  S of[numbers];
};

/** Eight numbers, in accesses of sixteen bytes. */
template <class S>
struct Oct {
  static constexpr int pieces = 8 / Piece<S>::numbers;
  Piece<S> of[pieces];

  LOSSKIT_INLINE S& operator[](int i) { return of[i / Piece<S>::numbers].of[i % Piece<S>::numbers]; }
  LOSSKIT_INLINE S operator[](int i) const { return of[i / Piece<S>::numbers].of[i % Piece<S>::numbers]; }
};
using Floats = Oct<float>;

/** Of thirty-two lanes, among which a thread is one of four: the lane of its number i. */
template <class S>
LOSSKIT_INLINE unsigned lane_of(unsigned thread, unsigned i) {
  return sizeof(S) == 4 ? i / 4 * 16 + thread * 4 + i % 4 : thread * 8 + i;
}

template <class S>
LOSSKIT_INLINE bool in_pieces(const S* data) {
  return reinterpret_cast<uintptr_t>(data) % sizeof(Piece<S>) == 0;
}

/** Calls f with a constant that says whether halves are bfloat16: asked once for many numbers. */
template <class S, class F>
LOSSKIT_INLINE auto by_brain(bool brain, F f) {
  if constexpr (sizeof(S) == 4) {
    return f(std::false_type());
  } else {
    return brain ? f(std::true_type()) : f(std::false_type());
  }
}

LOSSKIT_INLINE Floats widened(const Floats& x, bool) { return x; }
LOSSKIT_INLINE Floats widened(const Oct<uint16_t>& x, bool brain) {
  const auto words = bit_copy<uint4>(x);
  const float2 a = from_halves(words.x, brain), b = from_halves(words.y, brain);
  const float2 c = from_halves(words.z, brain), d = from_halves(words.w, brain);
  return {{{{a.x, a.y, b.x, b.y}}, {{c.x, c.y, d.x, d.y}}}};
}

/** Rounds to the nearest, ties to even; NaN to some NaN. */
template <class S>
LOSSKIT_INLINE Oct<S> narrowed(const Floats& x, bool brain) {
  if constexpr (sizeof(S) == 4) {
    return x;
  } else {
    return bit_copy<Oct<S>>(uint4{to_halves({x[0], x[1]}, brain), to_halves({x[2], x[3]}, brain),
                                  to_halves({x[4], x[5]}, brain), to_halves({x[6], x[7]}, brain)});
  }
}

/** The largest of numbers; a NaN is never that. */
template <class S, bool brain>
class Largest {
 public:
  LOSSKIT_INLINE void add(const Oct<S>& x) {
    if constexpr (has_pairs) {
      const auto pairs = bit_copy<uint4>(x);
      add_pair(pairs.x);
      add_pair(pairs.y);
      add_pair(pairs.z);
      add_pair(pairs.w);
    } else {
      const Floats wide = widened(x, brain);
      for (int i = 0; i < 8; ++i) largest_ = wide[i] > largest_ ? wide[i] : largest_;
    }
  }

  LOSSKIT_INLINE float value() const {
    if constexpr (!has_pairs) return largest_;
    const float2 pair = from_halves(pair_, brain);
    return pair.x > pair.y ? pair.x : pair.y;
  }

 private:
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  static constexpr bool has_pairs = sizeof(S) == 2;
#else
  static constexpr bool has_pairs = false;
#endif

  float largest_ = -infinity<float>;
  uint32_t pair_ = brain ? 0xff80ff80 : 0xfc00fc00;  // the same, twice

  LOSSKIT_INLINE void add_pair(uint32_t pair) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    if constexpr (brain) {
      asm("max.bf16x2 %0, %0, %1;" : "+r"(pair_) : "r"(pair));
    } else {
      asm("max.f16x2 %0, %0, %1;" : "+r"(pair_) : "r"(pair));
    }
#else
    static_cast<void>(pair);
#endif
  }
};

}  // namespace
}  // namespace LOSSKIT_ISA
}  // namespace losskit
