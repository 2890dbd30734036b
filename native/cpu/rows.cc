#include LOSSKIT_ISA_HEADER
#include "cpu/margins.h"
#include "cpu/softmax/split.h"
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
constexpr KernelEntry<T> row_entry(Walk<T> walk, Measure scratch, Measure work = nullptr) {
  KernelEntry<T> entry{};
  for (auto& phases : entry.plan.phases) phases[0] = {walk, nullptr, work, scratch};
  entry.survey = survey_rows<T>;
  return entry;
}

template <class Loss, class T>
constexpr KernelEntry<T> softmax_entry() {
  KernelEntry<T> entry = row_entry<T>(rows_of_softmax<Loss, T>, softmax_scratch<T>, softmax_work);
  entry.split = split_softmax<Loss, T>();
  entry.pieces = pieces_of;
  return entry;
}

template <class Loss, class T>
constexpr KernelEntry<T> margin_entry() {
  return row_entry<T>(along_axis<T, margin_rows<Loss, T>>, tile_bytes<T>);
}

template <class T, class... S, class... G, class... M>
constexpr Entries<T, sizeof...(S) + sizeof...(G) + sizeof...(M)> entries(List<S...>, List<G...>, List<M...>) {
  return {{softmax_entry<S, T>()..., row_entry<T>(gather_rows<G, T>, nullptr)..., margin_entry<M, T>()...}};
}

constexpr auto kF32 = entries<float>(SoftmaxLosses(), GatherLosses(), MarginLosses());
constexpr auto kF64 = entries<double>(SoftmaxLosses(), GatherLosses(), MarginLosses());

}  // namespace

extern const DriverKernels rows_kernels;
constinit const DriverKernels rows_kernels = {kF32.of, kF64.of};

}  // namespace LOSSKIT_ISA
}  // namespace losskit
