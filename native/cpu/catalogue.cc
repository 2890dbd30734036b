#include "cpu/catalogue.h"

#define LOSSKIT_ISA catalogue
#include "losses/catalogue.h"
#include "simd/scalar.h"

namespace losskit {
namespace {

using namespace losskit::LOSSKIT_ISA;

template <class L>
constexpr Kernel describe(bool elements, int inputs, bool softmax) {
  Kernel k{L::name, elements, inputs, softmax, L::params.count, {}};
  for (int i = 0; i < k.params; ++i) k.param[i] = L::params.name[i];
  return k;
}

template <class... E, class... S, class... G>
constexpr auto describe_all(List<E...>, List<S...>, List<G...>) {
  struct All {
    Kernel kernel[sizeof...(E) + sizeof...(S) + sizeof...(G)];
  };
  return All{{describe<E>(true, E::inputs, false)..., describe<S>(false, 2, true)...,
              describe<G>(false, 2, false)...}};
}

constexpr auto kAll = describe_all(ElementLosses(), SoftmaxLosses(), GatherLosses());

}  // namespace

int kernel_count() { return static_cast<int>(sizeof kAll.kernel / sizeof *kAll.kernel); }
int element_kernel_count() { return ElementLosses::size; }
const Kernel& kernel_at(int index) { return kAll.kernel[index]; }

}  // namespace losskit
