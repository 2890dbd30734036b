#include "cpu/errands.h"

#include <mutex>
#include <system_error>
#include <thread>

#include "cpu/condition_variable.h"
#include "cpu/float_environment.h"

namespace losskit {
namespace {

/** More would only cost memory. */
constexpr int kMostRunners = 64;
/** Runners that stay when there is nothing to do. */
constexpr int kKept = 4;

class Runners {
 public:
  bool send(Errand& errand) {
    std::lock_guard lock(mutex_);
    errand.next = nullptr;
    *last_ = &errand;
    last_ = &errand.next;
    ++waiting_;
    if (idle_ >= waiting_) {
      wake_.notify_one();
      return true;
    }
    if (start_runner() || runners_ > 0) return true;
    remove(errand);
    return false;
  }

  bool withdraw(Errand& errand) {
    std::lock_guard lock(mutex_);
    return remove(errand);
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  Errand* first_ = nullptr;
  Errand** last_ = &first_;
  int waiting_ = 0, runners_ = 0, idle_ = 0;

  bool start_runner() {
    if (runners_ == kMostRunners) return false;
    try {
      std::thread([this] { work(); }).detach();
    } catch (const std::system_error&) {
      return false;  // the system gives no more: those there are do the work
    }
    ++runners_;
    return true;
  }

  bool remove(Errand& errand) {
    Errand** link = &first_;
    while (*link != nullptr && *link != &errand) link = &(*link)->next;
    if (*link == nullptr) return false;
    *link = errand.next;
    if (last_ == &errand.next) last_ = link;
    --waiting_;
    return true;
  }

  void work() {
    const FloatEnvironment environment;
    std::unique_lock lock(mutex_);
    for (;;) {
      if (first_ == nullptr && idle_ == kKept) break;
      ++idle_;
      wake_.wait(lock, [&] { return first_ != nullptr; });
      --idle_;
      Errand& errand = *first_;
      remove(errand);
      lock.unlock();
      errand.run(errand);
      lock.lock();
    }
    --runners_;
  }
};

Runners& runners() {
  static Runners* const runners = new Runners;
  return *runners;
}

}  // namespace

bool send(Errand& errand) { return runners().send(errand); }

bool withdraw(Errand& errand) { return runners().withdraw(errand); }

}  // namespace losskit
