# Warnings are errors; floating point means what is written.
option(LOSSKIT_WARNINGS_AS_ERRORS "Treat warnings as errors" ON)
option(LOSSKIT_TOOLS "Build the programs of native/test as well" OFF)
set(LOSSKIT_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize takes them")

add_library(losskit_options INTERFACE)
target_include_directories(losskit_options INTERFACE ${CMAKE_SOURCE_DIR}/native)
if(MSVC)
  # The kernels use builtins of GCC and Clang, so on Windows the compiler is clang-cl; by itself it would fuse.
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "On Windows losskit is built with clang-cl: -DCMAKE_CXX_COMPILER=clang-cl")
  endif()
  target_compile_options(losskit_options INTERFACE
    /W4 /fp:precise /clang:-ffp-contract=off $<$<BOOL:${LOSSKIT_WARNINGS_AS_ERRORS}>:/WX>)
else()
  target_compile_options(losskit_options INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -ffp-contract=off
    -ffile-prefix-map=${CMAKE_SOURCE_DIR}=. # the path of this machine is in nothing that is built
    $<$<BOOL:${LOSSKIT_WARNINGS_AS_ERRORS}>:-Werror>)
  # Clang counts it to -Wconversion, GCC does not.
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(losskit_options INTERFACE -Wno-sign-conversion)
  endif()
  # The masked intrinsics of GCC 12 warn about their own deliberately undefined operand.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(losskit_options INTERFACE -Wno-uninitialized -Wno-maybe-uninitialized)
  endif()
endif()
if(LOSSKIT_SANITIZE)
  # Lines for the reports (-g1): to note where each variable lies takes the compiler ten minutes and 6 GB for one file.
  target_compile_options(losskit_options INTERFACE -fsanitize=${LOSSKIT_SANITIZE} -fno-omit-frame-pointer -g1 -O1)
  # Fully inlined kernels with scope checks take it many minutes.
  if(LOSSKIT_SANITIZE MATCHES "address")
    target_compile_options(losskit_options INTERFACE -fno-sanitize-address-use-after-scope)
  endif()
  target_link_options(losskit_options INTERFACE -fsanitize=${LOSSKIT_SANITIZE})
endif()
