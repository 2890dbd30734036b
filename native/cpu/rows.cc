#include LOSSKIT_ISA_HEADER
#include "cpu/gather.h"
#include "cpu/tiny_rows.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class T>
void survey_rows(const Call& c, uint64_t begin, uint64_t end, Sums<T>& sums, void*) {
  survey_labels<T, 1>(c, c.columns, begin, end, sums);
}

/** The same walk whatever is wanted. */
template <class T>
constexpr KernelEntry<T> row_entry(Walk<T> walk) {
  KernelEntry<T> entry{};
  for (auto& phases : entry.plan.phases) phases[0].walk = walk;
  entry.survey = survey_rows<T>;
  return entry;
}

template <class Loss, class T>
constexpr KernelEntry<T> softmax_entry() {
  KernelEntry<T> entry = row_entry<T>(rows_of_softmax<Loss, T>);
  entry.split = split_softmax<Loss, T>();
  entry.pieces = chunks_of;
  return entry;
}

template <class T, class... S, class... G>
constexpr Entries<T, sizeof...(S) + sizeof...(G)> entries(List<S...>, List<G...>) {
  return {{softmax_entry<S, T>()..., row_entry<T>(gather_rows<G, T>)...}};
}

constexpr auto kF32 = entries<float>(SoftmaxLosses(), GatherLosses());
constexpr auto kF64 = entries<double>(SoftmaxLosses(), GatherLosses());

}  // namespace

extern const DriverKernels rows_kernels;
constinit const DriverKernels rows_kernels = {kF32.of, kF64.of};

}  // namespace LOSSKIT_ISA
}  // namespace losskit
