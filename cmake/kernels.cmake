# The kernels: for each instruction set an object library with its own flags, one object for each driver; and what
# chooses among them.
add_library(losskit_core OBJECT
  native/cpu/catalogue.cc
  native/cpu/dispatch.cc
  native/cpu/errands.cc
  native/cpu/pool.cc
  native/cpu/reduce.cc
  native/cpu/run.cc
  native/sum/read.cc)
target_link_libraries(losskit_core PUBLIC losskit_options)

set(LOSSKIT_DRIVERS elements rows sequences masks multilabel boxes pairs all_pairs)
list(TRANSFORM LOSSKIT_DRIVERS REPLACE "(.+)" "native/cpu/\\1.cc" OUTPUT_VARIABLE LOSSKIT_DRIVER_SOURCES)

function(losskit_isa name)
  add_library(losskit_${name} OBJECT native/cpu/table.cc ${LOSSKIT_DRIVER_SOURCES})
  target_link_libraries(losskit_${name} PRIVATE losskit_options)
  target_compile_definitions(losskit_${name} PRIVATE
    LOSSKIT_ISA=${name} LOSSKIT_ISA_NAME="${name}" LOSSKIT_ISA_HEADER="simd/${name}.h")
  target_compile_options(losskit_${name} PRIVATE ${ARGN})
  set(LOSSKIT_OBJECTS ${LOSSKIT_OBJECTS} $<TARGET_OBJECTS:losskit_${name}> PARENT_SCOPE)
endfunction()

set(LOSSKIT_OBJECTS $<TARGET_OBJECTS:losskit_core>)
losskit_isa(scalar)
target_compile_definitions(losskit_scalar PRIVATE LOSSKIT_INLINE=inline)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  losskit_isa(avx2 -mavx2 -mfma -mf16c)
  losskit_isa(avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64|ARM64)$")
  losskit_isa(neon)
endif()
