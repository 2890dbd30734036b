#include LOSSKIT_ISA_HEADER
#include "cpu/pairs.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class T, class... L>
constexpr Entries<T, sizeof...(L) + 1> entries(List<Triplet, L...>) {
  return {{pair_entry<T>(triplets<T, false>, triplets<T, true>),
           pair_entry<T>(pairs<L, T, false>, pairs<L, T, true>)...}};
}

constexpr auto kF32 = entries<float>(PairLosses());
constexpr auto kF64 = entries<double>(PairLosses());

}  // namespace

extern const DriverKernels pairs_kernels;
constinit const DriverKernels pairs_kernels = {kF32.of, kF64.of};

}  // namespace LOSSKIT_ISA
}  // namespace losskit
