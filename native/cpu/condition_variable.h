// std::condition_variable, as the C++ libraries of older systems have it.
//
// GCC 12 gave its wait() a second version, with the same arguments and the same effect. An addon that asks
// for that one does not load where the C++ library is older than GCC 12; the first version is in all of them.
#pragma once

#include <condition_variable>

#if defined(__GLIBCXX__) && defined(__GLIBC__)
__asm__(
    ".symver _ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE,"
    "_ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE@GLIBCXX_3.4.11");
#endif
