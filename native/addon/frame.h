// The slots of the frame: how the numbers of a call reach the addon, and its status comes back.
#pragma once

#include <stdint.h>

namespace losskit {

enum Slot : int {
  kSlotKernel,
  kSlotReduction,
  kSlotUpstream,
  kSlotDivisor,
  kSlotRows,
  kSlotClasses,
  kSlotIgnoreIndex,
  kSlotLabelSmoothing,
  kSlotParams,                    // four
  kSlotDtypes = kSlotParams + 4,  // seven: pred, target, weight, extra, upstream, values, grad
  kSlotStatus = kSlotDtypes + 7,
  kSlotFaultIndex,
  kSlotFaultValue,
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
    {"classes", kSlotClasses},
    {"ignoreIndex", kSlotIgnoreIndex},
    {"labelSmoothing", kSlotLabelSmoothing},
    {"params", kSlotParams},
    {"dtypes", kSlotDtypes},
    {"status", kSlotStatus},
    {"faultIndex", kSlotFaultIndex},
    {"faultValue", kSlotFaultValue},
};

}  // namespace losskit
