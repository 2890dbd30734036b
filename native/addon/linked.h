// A list whose links are in what it lists, so that anything leaves it at once.
#pragma once

namespace losskit {

/** What is listed has `before` and `after`, null at first. */
template <class T>
class Linked {
 public:
  T* first() const { return first_; }

  void add(T& item) {
    item.after = first_;
    if (first_ != nullptr) first_->before = &item;
    first_ = &item;
  }

  void remove(T& item) {
    (item.before != nullptr ? item.before->after : first_) = item.after;
    if (item.after != nullptr) item.after->before = item.before;
  }

 private:
  T* first_ = nullptr;
};

}  // namespace losskit
