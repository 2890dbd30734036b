// The atomic functions, over those of the host; true ones, for two streams may work on the same memory.
#pragma once

#include <type_traits>

namespace losskit::emulated {

/** CUDA has them for these types only, and takes no wider ones. */
template <class T>
concept Atomic =
    std::is_same_v<T, int> || std::is_same_v<T, unsigned> || std::is_same_v<T, unsigned long long>;

/** Replaces what is there by `next` of it, and gives what was there. */
template <class T, class F>
T replace(T* at, F next) {
  T was = __atomic_load_n(at, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(at, &was, next(was), true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return was;
}

}  // namespace losskit::emulated

template <losskit::emulated::Atomic T>
T atomicAdd(T* at, std::type_identity_t<T> value) {
  return __atomic_fetch_add(at, value, __ATOMIC_RELAXED);
}
template <losskit::emulated::Atomic T>
T atomicAnd(T* at, std::type_identity_t<T> value) {
  return __atomic_fetch_and(at, value, __ATOMIC_RELAXED);
}
template <losskit::emulated::Atomic T>
T atomicOr(T* at, std::type_identity_t<T> value) {
  return __atomic_fetch_or(at, value, __ATOMIC_RELAXED);
}
template <losskit::emulated::Atomic T>
T atomicXor(T* at, std::type_identity_t<T> value) {
  return __atomic_fetch_xor(at, value, __ATOMIC_RELAXED);
}
template <losskit::emulated::Atomic T>
T atomicExch(T* at, std::type_identity_t<T> value) {
  return __atomic_exchange_n(at, value, __ATOMIC_RELAXED);
}
template <losskit::emulated::Atomic T>
T atomicCAS(T* at, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  __atomic_compare_exchange_n(at, &expected, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}
template <losskit::emulated::Atomic T>
T atomicMax(T* at, std::type_identity_t<T> value) {
  return losskit::emulated::replace(at, [=](T was) { return was < value ? value : was; });
}
template <losskit::emulated::Atomic T>
T atomicMin(T* at, std::type_identity_t<T> value) {
  return losskit::emulated::replace(at, [=](T was) { return value < was ? value : was; });
}
