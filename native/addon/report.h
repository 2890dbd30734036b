// How the result of a call reaches JavaScript: in the frame, which costs nothing to read.
#pragma once

#include "addon/frame.h"
#include "addon/outcome.h"
#include "addon/overlap.h"

namespace losskit {

inline void report(double* frame, double value, uint64_t count) {
  frame[kSlotStatus] = 0;
  frame[kSlotValue] = value;
  frame[kSlotCount] = static_cast<double>(count);
}

inline void report(double* frame, const Outcome& outcome) {
  const Fault& fault = outcome.fault;
  report(frame, outcome.value, outcome.count);
  if (fault.status == Status::ok) return;
  frame[kSlotStatus] = static_cast<double>(fault.status);
  frame[kSlotFaultInput] = fault.input;
  frame[kSlotFaultIndex] = static_cast<double>(fault.index);
  frame[kSlotFaultValue] = fault.value;
}

/** The positions of the two arrays stand for input and index. */
inline void report(double* frame, const Overlap& overlap) {
  frame[kSlotStatus] = kStatusOverlap;
  frame[kSlotFaultInput] = overlap.output;
  frame[kSlotFaultIndex] = overlap.other;
}

}  // namespace losskit
