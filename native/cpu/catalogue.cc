#include "cpu/catalogue.h"

#define LOSSKIT_ISA catalogue
#include "simd/scalar.h"

#include "losses/catalogue.h"

namespace losskit {
namespace {

using namespace losskit::LOSSKIT_ISA;

/** A loss of which no input holds class labels. */
template <class L>
constexpr Kernel describe(Driver driver) {
  Kernel k{};
  k.name = L::name;
  k.driver = driver;
  k.inputs = L::inputs;
  constexpr Gradients gradients = gradients_of<L>();
  k.grads = gradients.count;
  for (int i = 0; i < k.grads; ++i) k.grad_of[i] = gradients.of[i];
  k.labels = -1;
  k.params = L::params.count;
  for (int i = 0; i < k.params; ++i) k.param[i] = L::params.name[i];
  return k;
}

/** A loss of rows of class scores and labels. */
template <class L>
constexpr Kernel describe_row() {
  Kernel k = describe<L>(Driver::rows);
  k.labels = 1;
  k.distributions = requires { L::distributions; };
  k.mean_by_weight = !requires { L::mean_by_rows; };
  return k;
}

/** A loss of rows of class scores and several right classes. */
template <class L>
constexpr Kernel describe_multilabel() {
  Kernel k = describe<L>(Driver::multilabel);
  if (requires { L::lists; }) k.labels = 1;
  return k;
}

/** A loss of all pairs of rows. */
template <class L>
constexpr Kernel describe_pairs() {
  Kernel k = describe<L>(Driver::all_pairs);
  k.labels = L::labels;
  k.mean_by_weight = k.labels == 2;  // class weights, as of rows of class scores
  return k;
}

template <int n>
struct Kernels {
  Kernel of[n];
};

template <class... L>
constexpr Kernels<sizeof...(L)> describe_all(Driver driver, List<L...>) {
  return {{describe<L>(driver)...}};
}

template <class... L>
constexpr Kernels<sizeof...(L)> describe_rows(List<L...>) {
  return {{describe_row<L>()...}};
}

template <class... L>
constexpr Kernels<sizeof...(L)> describe_multilabels(List<L...>) {
  return {{describe_multilabel<L>()...}};
}

constexpr Kernels<2> describe_lovasz() {
  Kernels<2> kernels = describe_all(Driver::masks, List<LovaszHinge, LovaszSoftmax>());
  kernels.of[1].labels = 1;
  return kernels;
}

template <class... L>
constexpr Kernels<sizeof...(L)> describe_all_pairs(List<L...>) {
  return {{describe_pairs<L>()...}};
}

/** One list of all, with the position of each among those of its driver. */
template <int... n>
constexpr auto joined(const Kernels<n>&... lists) {
  Kernels<(n + ...)> all{};
  int at = 0, of_driver[kDrivers] = {};
  const auto append = [&](const auto& list) {
    for (const Kernel& k : list.of) {
      all.of[at] = k;
      all.of[at++].index = of_driver[static_cast<int>(k.driver)]++;
    }
  };
  (append(lists), ...);
  return all;
}

constexpr auto kAll = joined(
    describe_all(Driver::elements, ElementLosses()), describe_rows(SoftmaxLosses()),
    describe_rows(GatherLosses()), describe_rows(MarginLosses()),
    describe_all(Driver::sequences, SequenceLosses()), describe_all(Driver::masks, RegionLosses()),
    describe_lovasz(), describe_multilabels(MultilabelLosses()), describe_all(Driver::boxes, BoxLosses()),
    describe_all(Driver::pairs, PairLosses()), describe_all_pairs(AllPairsLosses()));

}  // namespace

int kernel_count() { return static_cast<int>(sizeof kAll.of / sizeof *kAll.of); }
const Kernel& kernel_at(int index) { return kAll.of[index]; }

}  // namespace losskit
