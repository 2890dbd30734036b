// What the machine can do, timed here: each function gives the nanoseconds that `repeat` rounds take.
//
//   move(sets, plan, first, repeat)        the transfers of a set of data, the sets in turn from set `first`
//   plainSum(sets, threads, first, repeat) Σ (first − second)², added up in float64 without further ado
//   multiply(type, threads, flop, repeat)  multiplications and additions, fused where the machine can
#include <napi.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "arithmetic.h"
#include "pool.h"
#include "transfer.h"

namespace {

struct Isa {
  const char* name;
  Walk walk;
  const Arithmetic& arithmetic;
};

Isa best_isa() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return {"AVX-512", walk_avx512, arithmetic_avx512};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {"AVX2", walk_avx2, arithmetic_avx2};
  return {"SSE2", walk_baseline, arithmetic_baseline};
#else
  return {"NEON", walk_baseline, arithmetic_baseline};
#endif
}

// What this environment owns; destroyed with it, which ends the threads.
struct State {
  Pool pool;
  Isa isa = best_isa();
  std::atomic<uint64_t> seen{0};
};

struct Bytes {
  char* data = nullptr;
  size_t size = 0;
};

Bytes bytes_of(const Napi::Object& set, const char* key) {
  const Napi::Value value = set.Get(key);
  if (!value.IsTypedArray()) return {};
  const auto array = value.As<Napi::TypedArray>();
  return {static_cast<char*>(array.ArrayBuffer().Data()) + array.ByteOffset(), array.ByteLength()};
}

Transfer transfer_of(const Napi::Object& arrays) {
  const Bytes first = bytes_of(arrays, "first"), second = bytes_of(arrays, "second"),
              out = bytes_of(arrays, "out");
  if (first.size == 0 || first.size % 4 != 0) throw std::invalid_argument("first must hold whole words");
  if ((second.data && second.size != first.size) || (out.data && out.size != first.size))
    throw std::invalid_argument("second and out must be as long as first");
  return {first.data, second.data, out.data, first.size};
}

using Set = std::vector<Transfer>;

std::vector<Set> sets_of(const Napi::Array& list) {
  if (list.Length() == 0) throw std::invalid_argument("there must be a set");
  std::vector<Set> sets(list.Length());
  for (uint32_t i = 0; i < list.Length(); ++i) {
    const auto transfers = list.Get(i).As<Napi::Array>();
    for (uint32_t j = 0; j < transfers.Length(); ++j)
      sets[i].push_back(transfer_of(transfers.Get(j).As<Napi::Object>()));
  }
  return sets;
}

int threads_of(const Napi::Value& wish) { return std::clamp(wish.As<Napi::Number>().Int32Value(), 1, 256); }

Plan plan_of(const Napi::Object& wish) {
  const Plan plan{threads_of(wish.Get("threads")), wish.Get("streaming").As<Napi::Boolean>(),
                  wish.Get("streams").As<Napi::Number>().Int32Value()};
  if (plan.streams != 1 && plan.streams != 4) throw std::invalid_argument("streams must be 1 or 4");
  return plan;
}

// Cuts at cache lines, so that no two threads write one.
size_t cut(size_t bytes, int part, int parts) {
  return part == parts ? bytes : bytes / parts * part / 64 * 64;
}

template <class Work>
void on_threads(State& state, int threads, const Work& work) {
  if (threads == 1) {
    work(0);
  } else {
    state.pool.run(threads, work);
  }
}

template <class Work>
double timed(uint32_t repeat, const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  for (uint32_t i = 0; i < repeat; ++i) work(i);
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

Napi::Value move(const Napi::CallbackInfo& info) {
  State& state = *info.Env().GetInstanceData<State>();
  const std::vector<Set> sets = sets_of(info[0].As<Napi::Array>());
  const Plan plan = plan_of(info[1].As<Napi::Object>());
  const uint32_t begin = info[2].As<Napi::Number>(), repeat = info[3].As<Napi::Number>();

  const double ns = timed(repeat, [&](uint32_t i) {
    const Set& set = sets[(begin + i) % sets.size()];
    on_threads(state, plan.threads, [&](int thread) {
      uint64_t seen = 0;
      for (const Transfer& t : set)
        seen |= state.isa.walk(t, plan, cut(t.bytes, thread, plan.threads),
                               cut(t.bytes, thread + 1, plan.threads));
      state.seen.fetch_or(seen, std::memory_order_relaxed);
    });
  });
  return Napi::Number::New(info.Env(), ns);
}

Napi::Value plain_sum(const Napi::CallbackInfo& info) {
  State& state = *info.Env().GetInstanceData<State>();
  const std::vector<Set> sets = sets_of(info[0].As<Napi::Array>());
  const int threads = threads_of(info[1]);
  const uint32_t begin = info[2].As<Napi::Number>(), repeat = info[3].As<Napi::Number>();
  for (const Set& set : sets) {
    if (set.size() != 1 || !set[0].second) throw std::invalid_argument("a set must be two arrays");
  }

  double sum = 0;
  std::vector<double> parts(static_cast<size_t>(threads) * 8);  // a cache line each
  const double ns = timed(repeat, [&](uint32_t i) {
    const Transfer& t = sets[(begin + i) % sets.size()][0];
    on_threads(state, threads, [&](int thread) {
      parts[static_cast<size_t>(thread) * 8] = state.isa.arithmetic.squared_differences(
          t, cut(t.bytes, thread, threads), cut(t.bytes, thread + 1, threads));
    });
    sum = 0;
    for (size_t part = 0; part < parts.size(); part += 8) sum += parts[part];
  });
  const auto result = Napi::Object::New(info.Env());
  result.Set("ns", ns);
  result.Set("sum", sum);
  return result;
}

Napi::Value multiply(const Napi::CallbackInfo& info) {
  State& state = *info.Env().GetInstanceData<State>();
  const bool is_double = info[0].As<Napi::String>().Utf8Value() == "float64";
  const int threads = threads_of(info[1]);
  const double flop = info[2].As<Napi::Number>();
  const uint32_t repeat = info[3].As<Napi::Number>();
  const auto work = is_double ? state.isa.arithmetic.multiply_doubles : state.isa.arithmetic.multiply_floats;

  const double ns = timed(repeat, [&](uint32_t) {
    on_threads(state, threads, [&](int) {
      state.seen.fetch_or(work(static_cast<uint64_t>(flop / threads)), std::memory_order_relaxed);
    });
  });
  return Napi::Number::New(info.Env(), ns);
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* state = new State;
  env.SetInstanceData(state);
  exports["move"] = Napi::Function::New(env, move, "move");
  exports["plainSum"] = Napi::Function::New(env, plain_sum, "plainSum");
  exports["multiply"] = Napi::Function::New(env, multiply, "multiply");
  exports["isa"] = Napi::String::New(env, state->isa.name);
#if defined(__clang__)
  exports["compiler"] = Napi::String::New(env, "clang " __clang_version__);
#else
  exports["compiler"] = Napi::String::New(env, "gcc " __VERSION__);
#endif
  return exports;
}

}  // namespace

NODE_API_MODULE(machine, init)
