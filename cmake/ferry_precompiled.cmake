# Release and clang's sanitizer builds parse what nearly every file includes only once, and compile several files as one
# (docs/adr/0008). The everyday build and gcc's do without, so that a missing include shows.
set(FERRY_PRECOMPILED OFF)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND (CMAKE_BUILD_TYPE STREQUAL "Release" OR FERRY_SANITIZE))
  set(FERRY_PRECOMPILED ON)
  # Without the time stamp equal input gives equal output, and ccache can know it.
  add_compile_options("$<$<COMPILE_LANG_AND_ID:CXX,Clang>:SHELL:-Xclang -fno-pch-timestamp>")
endif()

# ferry_precompiled(NAME HEADER LINK …): a target whose precompiled header others use.
function(ferry_precompiled name header)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  if(FERRY_PRECOMPILED)
    add_library(${name} STATIC ${CMAKE_SOURCE_DIR}/cmake/precompiled/empty.cpp)
    target_link_libraries(${name} PRIVATE ferry_flags tl::expected fmt::fmt Boost::headers Threads::Threads ${arg_LINK})
    target_precompile_headers(${name} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/precompiled/${header})
  endif()
endfunction()

# ferry_use_precompiled(TARGET NAME): and several files of the target are compiled as one, so that what they all
# instantiate (coroutines, Asio's operations) is instantiated once.
function(ferry_use_precompiled target name)
  if(FERRY_PRECOMPILED)
    target_precompile_headers(${target} REUSE_FROM ${name})
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  endif()
endfunction()
