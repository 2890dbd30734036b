// Work that is done aside, each piece on a thread of its own while there are few: a short one never waits for
// a long one, for the system shares the processors among them. Threads are kept for the next errand, asleep.
//
// They are detached and never joined: a process may exit at any moment.
#pragma once

namespace losskit {

struct Errand {
  void (*run)(Errand&) = nullptr;
  Errand* next = nullptr;
};

/** Runs it soon. It must stay where it is until it has run. False if the system gives no thread for it. */
bool send(Errand& errand);

/** Takes back what has not begun; false if it has. */
bool withdraw(Errand& errand);

}  // namespace losskit
