#include LOSSKIT_ISA_HEADER
#include "cpu/all_pairs.h"
#include "cpu/all_pairs/siamese.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class T>
constexpr KernelEntry<T> entry_of(SiameseTriplet) {
  return siamese_entry<T>();
}

template <class T, class Loss>
constexpr KernelEntry<T> entry_of(Loss) {
  return pairs_entry<Loss, T>();
}

template <class T, class... L>
constexpr Entries<T, sizeof...(L)> entries(List<L...>) {
  return {{entry_of<T>(L())...}};
}

constexpr auto kF32 = entries<float>(AllPairsLosses());
constexpr auto kF64 = entries<double>(AllPairsLosses());

}  // namespace

extern const DriverKernels all_pairs_kernels;
constinit const DriverKernels all_pairs_kernels = {kF32.of, kF64.of};

}  // namespace LOSSKIT_ISA
}  // namespace losskit
