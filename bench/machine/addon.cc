// measure(sets, plan, first, repeat): nanoseconds that `repeat` transfers take, walking the sets in turn from
// set `first`.
#include <napi.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "pool.h"
#include "transfer.h"

namespace {

struct Isa {
  const char* name;
  Walk walk;
};

Isa best_isa() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return {"AVX-512", walk_avx512};
  if (__builtin_cpu_supports("avx2")) return {"AVX2", walk_avx2};
  return {"SSE2", walk_baseline};
#else
  return {"NEON", walk_baseline};
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

Transfer transfer_of(const Napi::Object& set) {
  const Bytes first = bytes_of(set, "first"), second = bytes_of(set, "second"), out = bytes_of(set, "out"),
              side = bytes_of(set, "side");
  if (first.size == 0 || first.size % 4 != 0) throw std::invalid_argument("first must hold whole words");
  if ((second.data && second.size != first.size) || (out.data && out.size != first.size))
    throw std::invalid_argument("second and out must be as long as first");
  return {first.data, second.data, out.data, first.size, side.data, side.size / 4 * 4};
}

// Cuts at cache lines, so that no two threads write one.
size_t cut(size_t bytes, int part, int parts) {
  return part == parts ? bytes : bytes / parts * part / 64 * 64;
}

void run(State& state, const Transfer& t, const Plan& plan) {
  const Transfer side{t.side, nullptr, nullptr, t.side_bytes, nullptr, 0};
  const auto work = [&](int thread) {
    uint64_t seen =
        state.isa.walk(t, plan, cut(t.bytes, thread, plan.threads), cut(t.bytes, thread + 1, plan.threads));
    if (t.side)
      seen |= state.isa.walk(side, plan, cut(t.side_bytes, thread, plan.threads),
                             cut(t.side_bytes, thread + 1, plan.threads));
    state.seen.fetch_or(seen, std::memory_order_relaxed);
  };
  if (plan.threads == 1) {
    work(0);
  } else {
    state.pool.run(plan.threads, work);
  }
}

Napi::Value measure(const Napi::CallbackInfo& info) {
  State& state = *info.Env().GetInstanceData<State>();
  const auto sets = info[0].As<Napi::Array>();
  const auto wish = info[1].As<Napi::Object>();
  const uint32_t begin = info[2].As<Napi::Number>(), repeat = info[3].As<Napi::Number>();
  const Plan plan{std::clamp(wish.Get("threads").As<Napi::Number>().Int32Value(), 1, 256),
                  wish.Get("streaming").As<Napi::Boolean>(),
                  wish.Get("streams").As<Napi::Number>().Int32Value()};
  if (plan.streams != 1 && plan.streams != 4) throw std::invalid_argument("streams must be 1 or 4");
  if (sets.Length() == 0) throw std::invalid_argument("there must be a set");

  std::vector<Transfer> transfers;
  for (uint32_t i = 0; i < sets.Length(); ++i)
    transfers.push_back(transfer_of(sets.Get(i).As<Napi::Object>()));

  const auto start = std::chrono::steady_clock::now();
  for (uint32_t i = 0; i < repeat; ++i) run(state, transfers[(begin + i) % transfers.size()], plan);
  const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
  return Napi::Number::New(info.Env(), spent.count());
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* state = new State;
  env.SetInstanceData(state);
  exports["measure"] = Napi::Function::New(env, measure, "measure");
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
