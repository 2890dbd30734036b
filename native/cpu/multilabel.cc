#include LOSSKIT_ISA_HEADER
#include "cpu/multilabel.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class Loss, class T>
constexpr KernelEntry<T> multilabel_entry() {
  KernelEntry<T> entry{};
  for (auto& phases : entry.plan.phases) {
    if constexpr (requires { Loss::lists; }) {
      phases[0] = {multilabel_lists<Loss, T>, nullptr, nullptr, listed_bytes<T>};
    } else {
      phases[0].walk = multilabel_terms<Loss, T>;
    }
  }
  return entry;
}

template <class T, class... L>
constexpr Entries<T, sizeof...(L)> entries(List<L...>) {
  return {{multilabel_entry<L, T>()...}};
}

constexpr auto kF32 = entries<float>(MultilabelLosses());
constexpr auto kF64 = entries<double>(MultilabelLosses());

}  // namespace

extern const DriverKernels multilabel_kernels;
constinit const DriverKernels multilabel_kernels = {kF32.of, kF64.of};

}  // namespace LOSSKIT_ISA
}  // namespace losskit
