#include LOSSKIT_ISA_HEADER
#include "cpu/lovasz.h"
#include "cpu/regions.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class T, class... R>
constexpr Entries<T, sizeof...(R) + 2> entries(List<R...>) {
  return {{region_entry<R, T>()..., lovasz_hinge_entry<T>(), lovasz_softmax_entry<T>()}};
}

constexpr auto kF32 = entries<float>(RegionLosses());
constexpr auto kF64 = entries<double>(RegionLosses());

}  // namespace

extern const DriverKernels masks_kernels;
constinit const DriverKernels masks_kernels = {kF32.of, kF64.of};

}  // namespace LOSSKIT_ISA
}  // namespace losskit
