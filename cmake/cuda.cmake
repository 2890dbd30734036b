# The CUDA library, which the addon opens at run time if it is there; and the same sources made by the C++ compiler for an
# emulated device, with which tests run everywhere on Linux.
#
# A machine with a GPU and nvcc gets a library for its own GPU, in a minute or two; ON makes that of a release, for all
# architectures, which takes many.
set(LOSSKIT_CUDA AUTO CACHE STRING "Build the CUDA library: ON, OFF, or AUTO, for the GPU of this machine if it has one")
set_property(CACHE LOSSKIT_CUDA PROPERTY STRINGS AUTO ON OFF)
# Real code for each generation, and PTX of the oldest for those to come. One alone builds sooner: 90-real.
set(LOSSKIT_CUDA_ARCHITECTURES 75-real 80-real 86-real 89-real 90-real 100-real 120-real 75-virtual
  CACHE STRING "Architectures of the CUDA library, as CMAKE_CUDA_ARCHITECTURES has them")

# Kernels and what launches them; and what needs no nvcc, which would read it again for each architecture.
set(LOSSKIT_CUDA_KERNELS all_pairs boxes ctc elements gather linear linear_cublas lovasz margins multilabel pairs regions siamese slope softmax survey)
set(LOSSKIT_CUDA_SOURCES run)
list(TRANSFORM LOSSKIT_CUDA_KERNELS REPLACE "(.+)" "${CMAKE_SOURCE_DIR}/native/cuda/\\1.cu")
list(TRANSFORM LOSSKIT_CUDA_SOURCES REPLACE "(.+)" "${CMAKE_SOURCE_DIR}/native/cuda/\\1.cu")
set(LOSSKIT_CUDA_HOST_SOURCES cuda/cublas cuda/library cuda/runtime cpu/catalogue)
list(TRANSFORM LOSSKIT_CUDA_HOST_SOURCES REPLACE "(.+)" "${CMAKE_SOURCE_DIR}/native/\\1.cc")

# A library of which only so much is seen, and whose bytes are those of its sources.
function(losskit_cuda_library name exports)
  file(WRITE ${CMAKE_BINARY_DIR}/${name}.map "{ global: ${exports}; local: *; };\n")
  set_source_files_properties(${LOSSKIT_CUDA_KERNELS} PROPERTIES COMPILE_DEFINITIONS "LOSSKIT_CUDA;LOSSKIT_ISA=cuda")
  add_library(${name} SHARED ${ARGN})
  target_link_libraries(${name} PRIVATE Threads::Threads ${CMAKE_DL_LIBS})
  target_link_options(${name} PRIVATE
    -Wl,--version-script=${CMAKE_BINARY_DIR}/${name}.map -Wl,--build-id=none -Wl,-z,nodelete)
endfunction()

set(linux_here OFF)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND NOT CMAKE_CROSSCOMPILING AND NOT LOSSKIT_SANITIZE)
  set(linux_here ON)
endif()

set(has_gpu OFF)
if(linux_here AND EXISTS /dev/nvidiactl)
  set(has_gpu ON)
endif()
if(LOSSKIT_CUDA STREQUAL "AUTO" AND has_gpu OR LOSSKIT_CUDA AND NOT LOSSKIT_CUDA STREQUAL "AUTO")
  find_program(LOSSKIT_NVCC nvcc PATHS /usr/local/cuda/bin)
  if(LOSSKIT_NVCC)
    if(NOT CMAKE_CUDA_COMPILER)
      set(CMAKE_CUDA_COMPILER ${LOSSKIT_NVCC})
    endif()
    set(CMAKE_CUDA_ARCHITECTURES ${LOSSKIT_CUDA_ARCHITECTURES})
    if(LOSSKIT_CUDA STREQUAL "AUTO")
      set(CMAKE_CUDA_ARCHITECTURES native)
    endif()
    enable_language(CUDA)
    # CMake before 3.26 does not know that nvcc has it.
    if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    endif()
    add_library(losskit_cuda_host OBJECT ${LOSSKIT_CUDA_HOST_SOURCES})
    target_link_libraries(losskit_cuda_host PRIVATE losskit_options)
    target_include_directories(losskit_cuda_host SYSTEM PRIVATE ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES})
    # GPUs of 8.6 and 8.9 run the code of 8.0 too: with code of their own for them the library would be larger than it may be.
    add_library(losskit_cuda_kernels OBJECT ${LOSSKIT_CUDA_KERNELS})
    losskit_cuda_library(losskit_cuda losskit_cuda_library ${LOSSKIT_CUDA_SOURCES}
      $<TARGET_OBJECTS:losskit_cuda_kernels> $<TARGET_OBJECTS:losskit_cuda_host>)
    if(80-real IN_LIST CMAKE_CUDA_ARCHITECTURES)
      set(architectures ${CMAKE_CUDA_ARCHITECTURES})
      list(REMOVE_ITEM architectures 86-real 89-real)
      set_target_properties(losskit_cuda_kernels PROPERTIES CUDA_ARCHITECTURES "${architectures}")
    endif()
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
      target_sources(losskit_cuda_host PRIVATE native/cuda/glibc.cc)
      file(STRINGS native/cuda/glibc.cc calls REGEX "^OLD")
      list(TRANSFORM calls REPLACE "OLD.([a-z_]+).*" "-Wl,--wrap=\\1")
      target_link_options(losskit_cuda PRIVATE ${calls})
    endif()
    # The same bytes each time: names inside would be of the process that compiles, and a compilation that nvcc
    # splits (--split-compile) gives other code in each run, of sizes that differ by a tenth.
    foreach(source ${LOSSKIT_CUDA_SOURCES} ${LOSSKIT_CUDA_KERNELS})
      get_filename_component(seed ${source} NAME_WE)
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS --frandom-seed=${seed})
    endforeach()
    foreach(target losskit_cuda losskit_cuda_kernels)
      set_target_properties(${target} PROPERTIES
        CUDA_STANDARD 20 CUDA_EXTENSIONS OFF CUDA_RUNTIME_LIBRARY Static CUDA_VISIBILITY_PRESET hidden)
      target_include_directories(${target} PRIVATE native)
      target_compile_options(${target} PRIVATE -fmad=false --expt-relaxed-constexpr -compress-mode=size
        -Xcompiler=-Wall,-Wextra,-ffp-contract=off,-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.
        --threads=0)
    endforeach()
    set_target_properties(losskit_cuda PROPERTIES LINKER_LANGUAGE CUDA)
  elseif(NOT LOSSKIT_CUDA STREQUAL "AUTO")
    message(FATAL_ERROR "LOSSKIT_CUDA is ON, and there is no nvcc on the path or in /usr/local/cuda/bin")
  endif()
endif()

option(LOSSKIT_CUDA_EMULATED "Build the CUDA library for an emulated device as well, for tests" ${linux_here})
if(LOSSKIT_CUDA_EMULATED)
  add_subdirectory(native/cuda/emulated)
endif()
