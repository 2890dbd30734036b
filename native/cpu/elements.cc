#include LOSSKIT_ISA_HEADER
#include "cpu/elements.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class T, class... L>
constexpr Entries<T, sizeof...(L)> entries(List<L...>) {
  return {{element_entry<L, T>()...}};
}

constexpr auto kF32 = entries<float>(ElementLosses());
constexpr auto kF64 = entries<double>(ElementLosses());

}  // namespace

extern const DriverKernels elements_kernels;
constinit const DriverKernels elements_kernels = {kF32.of, kF64.of};

}  // namespace LOSSKIT_ISA
}  // namespace losskit
