// An object that several owners keep alive, all on one thread.
//
// std::shared_ptr counts for many threads, and so asks the C library whether there are any, which glibc
// cannot tell before 2.32: an addon that uses it does not load on older systems.
#pragma once

#include <cstddef>

namespace losskit {

template <class T>
class Shared {
 public:
  Shared() : held_(new Held) {}
  Shared(const Shared& other) : held_(other.held_) { ++held_->owners; }
  Shared& operator=(const Shared&) = delete;
  ~Shared() {
    if (--held_->owners == 0) delete held_;
  }
  T* operator->() const { return &held_->object; }

 private:
  struct Held {
    T object;
    size_t owners = 1;
  };
  Held* held_;
};

}  // namespace losskit
