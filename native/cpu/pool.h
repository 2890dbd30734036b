// The thread pool: one for the process, started when first needed, asleep when idle.
//
// A job is a function that several threads enter at once; it hands out its own pieces. The caller is always
// one of them and never waits for a thread that has not entered, so a job costs little where it is over
// before anyone wakes. Where several callers have jobs, threads go to the one that has the fewest.
//
// A thread that has done its part looks for another job for as long as waking it would take, then sleeps.
//
// Threads are detached and the pool is never destroyed: a process may exit, and an environment end, at any
// moment.
#pragma once

namespace losskit {

/**
 * Runs `enter(context)` on the calling thread and on up to `helpers` others; returns when all have left. A
 * job that is not worth waking a thread for gets those that are awake, unless jobs come in quick succession.
 */
void run_on_threads(int helpers, bool is_worth_waking, void (*enter)(void*), void* context);

/** Threads a job may have, the caller's included. From LOSSKIT_THREADS, else the processors this process may
 * use. */
int thread_count();

/** Clamped to 1 … 256; returns what is set. */
int set_thread_count(int threads);

int processor_count();

}  // namespace losskit
