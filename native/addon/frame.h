// The slots of the frame: how the numbers of a call reach the addon, and its status comes back.
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
  kSlotParams,
  kSlotDtypes = kSlotParams + kParams,  // one for each array
  kSlotStatus = kSlotDtypes + kArrays,
  kSlotFaultInput,
  kSlotFaultIndex,
  kSlotFaultValue,
  kSlotCount,
  kSlots,
};

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
    {"params", kSlotParams},
    {"dtypes", kSlotDtypes},
    {"status", kSlotStatus},
    {"faultInput", kSlotFaultInput},
    {"faultIndex", kSlotFaultIndex},
    {"faultValue", kSlotFaultValue},
    {"count", kSlotCount},
};

}  // namespace losskit
