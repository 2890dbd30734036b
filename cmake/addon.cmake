# The Node-API addon. cmake-js passes the headers; a plain cmake asks the npm packages for them.
if(NOT CMAKE_JS_INC)
  execute_process(COMMAND node -p "require('node-api-headers').include_dir + ';' + require('path').resolve(require('node-addon-api').include_dir)"
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE CMAKE_JS_INC OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
endif()

find_package(Threads REQUIRED)
add_library(losskit SHARED
  native/addon/addon.cc
  native/addon/async.cc
  native/addon/bound.cc
  native/addon/bytes.cc
  native/addon/check_shape.cc
  native/addon/cuda/calls.cc
  native/addon/cuda/copies.cc
  native/addon/cuda/device.cc
  native/addon/cuda/device_memory.cc
  native/addon/cuda/functions.cc
  native/addon/cuda/library.cc
  native/addon/cuda/objects.cc
  native/addon/cuda/pinned.cc
  native/addon/cuda/run_device.cc
  native/addon/cuda/stream.cc
  native/addon/memory.cc
  native/addon/outcome.cc
  native/addon/overlap.cc
  native/addon/read_job.cc
  native/addon/run_functions.cc
  native/addon/state.cc
  native/addon/state_functions.cc
  ${LOSSKIT_OBJECTS}
  ${CMAKE_JS_SRC})
set_target_properties(losskit PROPERTIES PREFIX "" SUFFIX ".node")
# For Windows, what is loaded counts as a program. On another system cmake-js says only where libraries go.
if(WIN32 AND CMAKE_CROSSCOMPILING)
  set_target_properties(losskit PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}")
endif()
target_include_directories(losskit SYSTEM PRIVATE ${CMAKE_JS_INC})
target_compile_definitions(losskit PRIVATE NAPI_VERSION=9 NODE_ADDON_API_CPP_EXCEPTIONS_ALL)
target_link_libraries(losskit PRIVATE losskit_options Threads::Threads ${CMAKE_DL_LIBS} ${CMAKE_JS_LIB})
# Linkers for Windows want to know which names node.exe has.
if(MSVC AND CMAKE_JS_NODELIB_DEF AND CMAKE_JS_NODELIB_TARGET)
  execute_process(COMMAND ${CMAKE_AR} /def:${CMAKE_JS_NODELIB_DEF} /out:${CMAKE_JS_NODELIB_TARGET} ${CMAKE_STATIC_LINKER_FLAGS})
elseif(LOSSKIT_DLLTOOL)
  execute_process(COMMAND node -p "require('node-api-headers').def_paths.node_api_def"
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE node_names OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${LOSSKIT_DLLTOOL} -D node.exe -d ${node_names} -l ${CMAKE_BINARY_DIR}/libnode.a
    COMMAND_ERROR_IS_FATAL ANY)
  target_link_libraries(losskit PRIVATE ${CMAKE_BINARY_DIR}/libnode.a)
endif()

# Only what Node looks up is exported; the templates of the standard library would be too, for they ask to be.
set(LOSSKIT_EXPORTS napi_register_module_v1 node_api_module_get_api_version_v1)
if(APPLE)
  # What is Node's is found when Node loads the addon, which bears no path of the machine that made it.
  target_link_options(losskit PRIVATE -Wl,-undefined,dynamic_lookup)
  set_target_properties(losskit PROPERTIES INSTALL_NAME_DIR "@rpath" BUILD_WITH_INSTALL_NAME_DIR ON)
  # Apple's linker takes a list; Zig's, which links elsewhere, takes none.
  if(NOT CMAKE_CROSSCOMPILING)
    list(TRANSFORM LOSSKIT_EXPORTS PREPEND "-Wl,-exported_symbol,_")
    target_link_options(losskit PRIVATE ${LOSSKIT_EXPORTS})
  endif()
elseif(NOT WIN32)
  list(JOIN LOSSKIT_EXPORTS "; " names)
  file(WRITE ${CMAKE_BINARY_DIR}/exports.map "{ global: ${names}; local: *; };\n")
  target_link_options(losskit PRIVATE -Wl,--version-script=${CMAKE_BINARY_DIR}/exports.map)
  # The same sources give the same bytes, wherever they are built.
  target_link_options(losskit PRIVATE -Wl,--build-id=none)
endif()

# The threads of the pool outlive an environment (a worker that ends), so the library must never be unloaded.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  target_link_options(losskit PRIVATE -Wl,-z,nodelete)
endif()
