// All kernels of one instruction set.
#include "cpu/catalogue.h"

namespace losskit {
namespace LOSSKIT_ISA {

extern const DriverKernels elements_kernels, rows_kernels, sequences_kernels, masks_kernels,
    multilabel_kernels, boxes_kernels, pairs_kernels, all_pairs_kernels;

extern const KernelTable kernels;
constinit const KernelTable kernels = {
    LOSSKIT_ISA_NAME,
    {&elements_kernels, &rows_kernels, &sequences_kernels, &masks_kernels, &multilabel_kernels,
     &boxes_kernels, &pairs_kernels, &all_pairs_kernels}};

}  // namespace LOSSKIT_ISA
}  // namespace losskit
