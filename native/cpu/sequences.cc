#include LOSSKIT_ISA_HEADER
#include "cpu/sequences.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class T>
constexpr KernelEntry<T> ctc_entry() {
  KernelEntry<T> entry{};
  entry.plan.phases[kValue][0] = {ctc_rows<T, false>, nullptr, sequence_work, value_scratch};
  entry.plan.phases[kGrad][0] = {ctc_rows<T, true>, nullptr, sequence_work, grad_scratch};
  entry.plan.phases[kValueAndGrad][0] = entry.plan.phases[kGrad][0];
  return entry;
}

constexpr Entries<float, 1> kF32 = {{ctc_entry<float>()}};
constexpr Entries<double, 1> kF64 = {{ctc_entry<double>()}};

}  // namespace

extern const DriverKernels sequences_kernels;
constinit const DriverKernels sequences_kernels = {kF32.of, kF64.of};

}  // namespace LOSSKIT_ISA
}  // namespace losskit
