set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

set(FERRY_SANITIZE "" CACHE STRING "empty, address,undefined or thread")

add_library(ferry_flags INTERFACE)
target_compile_options(ferry_flags INTERFACE -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
  -Wno-missing-field-initializers -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these inside its own and Boost's headers at -O2 (GCC bugs 105329, 105593); clang has no such noise.
  target_compile_options(ferry_flags INTERFACE -fcoroutines -Wno-restrict -Wno-stringop-overflow -Wno-array-bounds
    -Wno-maybe-uninitialized -Wno-dangling-pointer -Wno-mismatched-new-delete)
endif()
# Hardening (fault-matrix F174): measured as free, so it is on in every build.
# Libraries here only ever end up in programs, so all code is -fPIE (with CMake's own switch, libraries are -fPIC).
# Some packages ask for -pthread and some don't; a precompiled header wants everybody to agree.
add_compile_options(-fPIE -pthread)
add_link_options(-pie)
target_compile_options(ferry_flags INTERFACE -fstack-protector-strong -fstack-clash-protection -fcf-protection)
target_compile_definitions(ferry_flags INTERFACE _GLIBCXX_ASSERTIONS BOOST_ASIO_NO_DEPRECATED
  BOOST_ASIO_DISABLE_BOOST_COROUTINE BOOST_ASIO_SEPARATE_COMPILATION
  # Coroutine frames come from operator new: glibc's aligned_alloc() never takes from a thread's own cache.
  BOOST_ASIO_DISABLE_STD_ALIGNED_ALLOC BOOST_ASIO_DISABLE_BOOST_ALIGN)
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
if(FERRY_SANITIZE)
  target_compile_options(ferry_flags INTERFACE -fsanitize=${FERRY_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(ferry_flags INTERFACE -fsanitize=${FERRY_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(ferry_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()
