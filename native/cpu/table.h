// The one symbol an instruction set exports: its kernels, one row for each loss of the catalogue.
#pragma once

#include "cpu/elements.h"
#include "cpu/gather.h"
#include "cpu/tiny_rows.h"

namespace losskit {
namespace LOSSKIT_ISA {
namespace {

template <class T, class... S, class... G>
constexpr auto row_table(List<S...>, List<G...>) {
  struct Table {
    RowKernels<T> rows[sizeof...(S) + sizeof...(G)];
  };
  return Table{{{rows_of_softmax<S, T>, SoftmaxPieces<S, T>::measure, SoftmaxPieces<S, T>::finish,
                 SoftmaxPieces<S, T>::gradient}...,
                {gather_rows<G, T>, nullptr, nullptr, nullptr}...}};
}

template <class T, class... L>
constexpr auto element_table(List<L...>) {
  struct Table {
    typename Kernels<T>::Elements rows[sizeof...(L)][3];
  };
  return Table{{{elements<L, T, kValue>, elements<L, T, kGrad>, elements<L, T, kValueAndGrad>}...}};
}

template <class T>
constexpr auto elements_of = element_table<T>(ElementLosses());
template <class T>
constexpr auto rows_of = row_table<T>(SoftmaxLosses(), GatherLosses());

template <class T>
void add_numbers(const T* x, uint64_t n, ExactSum<T>& sum) {
  for (uint64_t at = 0; at < n; at += kBlock) {
    add_block(x + at, static_cast<size_t>(n - at < kBlock ? n - at : kBlock), sum);
  }
}

template <class T>
constexpr Kernels<T> kernels_of() {
  return {elements_of<T>.rows, rows_of<T>.rows, survey<T>, add_numbers<T>};
}

}  // namespace

#define LOSSKIT_STRING(x) #x
#define LOSSKIT_NAME(x) LOSSKIT_STRING(x)
extern const KernelTable kernels;
constinit const KernelTable kernels = {LOSSKIT_NAME(LOSSKIT_ISA), kernels_of<float>(), kernels_of<double>()};

}  // namespace LOSSKIT_ISA
}  // namespace losskit
