#include LOSSKIT_ISA_HEADER
#include "cpu/boxes.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class T, class... L>
constexpr Entries<T, sizeof...(L)> entries(List<L...>) {
  return {{box_entry<L, T>()...}};
}

constexpr auto kF32 = entries<float>(BoxLosses());
constexpr auto kF64 = entries<double>(BoxLosses());

}  // namespace

extern const DriverKernels boxes_kernels;
constinit const DriverKernels boxes_kernels = {kF32.of, kF64.of};

}  // namespace LOSSKIT_ISA
}  // namespace losskit
