// Functions of glibc, as those before 2.34 have them.
//
// The CUDA runtime that is linked in calls them by the version that this system has, with which the library
// would not load where Node does and CUDA's driver too: on RHEL 8. The linker sends those calls here
// (--wrap), and from here they go on to the first version, which does the same.
#define OLD(name, version)                              \
  asm(".pushsection .text\n"                            \
      ".symver old_" #name ", " #name "@GLIBC_" version \
      "\n"                                              \
      ".globl __wrap_" #name                            \
      "\n"                                              \
      ".hidden __wrap_" #name                           \
      "\n"                                              \
      ".type __wrap_" #name                             \
      ", @function\n"                                   \
      "__wrap_" #name ": jmp *old_" #name               \
      "@GOTPCREL(%rip)\n"                               \
      ".popsection\n");

#if defined(__x86_64__) && defined(__linux__)
OLD(dlclose, "2.2.5")
OLD(dlerror, "2.2.5")
OLD(dlmopen, "2.3.4")
OLD(dlopen, "2.2.5")
OLD(dlsym, "2.2.5")
OLD(dlvsym, "2.2.5")
OLD(pthread_condattr_setpshared, "2.2.5")
OLD(pthread_create, "2.2.5")
OLD(pthread_detach, "2.2.5")
OLD(pthread_getspecific, "2.2.5")
OLD(pthread_join, "2.2.5")
OLD(pthread_key_create, "2.2.5")
OLD(pthread_key_delete, "2.2.5")
OLD(pthread_kill, "2.2.5")
OLD(pthread_mutex_trylock, "2.2.5")
OLD(pthread_mutexattr_destroy, "2.2.5")
OLD(pthread_mutexattr_init, "2.2.5")
OLD(pthread_mutexattr_setpshared, "2.2.5")
OLD(pthread_mutexattr_settype, "2.2.5")
OLD(pthread_once, "2.2.5")
OLD(pthread_rwlock_destroy, "2.2.5")
OLD(pthread_rwlock_init, "2.2.5")
OLD(pthread_rwlock_rdlock, "2.2.5")
OLD(pthread_rwlock_timedrdlock, "2.2.5")
OLD(pthread_rwlock_timedwrlock, "2.2.5")
OLD(pthread_rwlock_tryrdlock, "2.2.5")
OLD(pthread_rwlock_trywrlock, "2.2.5")
OLD(pthread_rwlock_unlock, "2.2.5")
OLD(pthread_rwlock_wrlock, "2.2.5")
OLD(pthread_rwlockattr_destroy, "2.2.5")
OLD(pthread_rwlockattr_init, "2.2.5")
OLD(pthread_rwlockattr_setpshared, "2.2.5")
OLD(pthread_setspecific, "2.2.5")
OLD(pthread_spin_destroy, "2.2.5")
OLD(pthread_spin_init, "2.2.5")
OLD(pthread_spin_lock, "2.2.5")
OLD(pthread_spin_trylock, "2.2.5")
OLD(pthread_spin_unlock, "2.2.5")
OLD(sem_destroy, "2.2.5")
OLD(sem_init, "2.2.5")
OLD(sem_post, "2.2.5")
OLD(sem_timedwait, "2.2.5")
OLD(sem_trywait, "2.2.5")
OLD(sem_wait, "2.2.5")
OLD(shm_open, "2.2.5")
OLD(shm_unlink, "2.2.5")
#endif
