// The slots of the frame: how the numbers of a call reach the addon, and its result comes back.
#pragma once

#include "cpu/call.h"

namespace losskit {

/** The arrays of a call: inputs, weight, upstream, values, gradients. */
constexpr int kArrays = kInputs + 3 + kGrads;

enum Slot : int {
  kSlotKernel,
  kSlotReduction,
  kSlotUpstream,
  kSlotDivisor,
  kSlotRows,
  kSlotColumns,
  kSlotInner,
  kSlotOthers,
  kSlotIgnoreIndex,
  kSlotLabelSmoothing,
  kSlotMatmul,
  kSlotWorkspace,
  kSlotParams,
  kSlotDtypes = kSlotParams + kParams,  // one for each array
  kSlotWantsValue = kSlotDtypes + kArrays,
  kSlotInPlace,
  kSlotBound,
  kSlotPosts,
  kSlotStatus,
  kSlotValue,
  kSlotCount,
  kSlotFaultInput,
  kSlotFaultIndex,
  kSlotFaultValue,
  kSlots,
};

/** After the statuses of the kernels: memory that is written is also read, or written twice. */
constexpr int kStatusOverlap = kStatuses;

struct NamedSlot {
  const char* name;
  Slot slot;
};

constexpr NamedSlot kNamedSlots[] = {
    {"kernel", kSlotKernel},
    {"reduction", kSlotReduction},
    {"upstream", kSlotUpstream},
    {"divisor", kSlotDivisor},
    {"rows", kSlotRows},
    {"columns", kSlotColumns},
    {"inner", kSlotInner},
    {"others", kSlotOthers},
    {"ignoreIndex", kSlotIgnoreIndex},
    {"labelSmoothing", kSlotLabelSmoothing},
    {"matmul", kSlotMatmul},
    {"workspace", kSlotWorkspace},
    {"params", kSlotParams},
    {"dtypes", kSlotDtypes},
    {"wantsValue", kSlotWantsValue},
    {"inPlace", kSlotInPlace},
    {"bound", kSlotBound},
    {"posts", kSlotPosts},
    {"status", kSlotStatus},
    {"value", kSlotValue},
    {"count", kSlotCount},
    {"faultInput", kSlotFaultInput},
    {"faultIndex", kSlotFaultIndex},
    {"faultValue", kSlotFaultValue},
};

}  // namespace losskit
