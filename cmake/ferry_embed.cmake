# Files into the program, without any tool but CMake itself.
#
# As a module: ferry_embed(ROOM FOLDER FILE…) adds a source to the room's library that defines ferry::ROOM::assets() with
# these files of FOLDER. As a script (cmake -P, with ROOM, FOLDER, FILES, OUT): writes that source. Same files, same text.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(FERRY_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

  function(ferry_embed room folder)
    set(out ${CMAKE_BINARY_DIR}/embedded/${room}_assets.cpp)
    list(TRANSFORM ARGN PREPEND ${folder}/ OUTPUT_VARIABLE inputs)
    string(REPLACE ";" "," files "${ARGN}")
    add_custom_command(OUTPUT ${out}
      COMMAND ${CMAKE_COMMAND} -DROOM=${room} -DFOLDER=${folder} -DFILES=${files} -DOUT=${out} -P ${FERRY_EMBED_SCRIPT}
      DEPENDS ${inputs} ${FERRY_EMBED_SCRIPT}
      VERBATIM)
    target_sources(ferry_${room} PRIVATE ${out})
  endfunction()
  return()
endif()

set(type_.html "text/html; charset=utf-8")
set(type_.js "text/javascript; charset=utf-8")
set(type_.css "text/css; charset=utf-8")
set(type_.svg "image/svg+xml")
set(type_.yaml "application/yaml")

set(arrays)
set(entries)
set(number 0)
string(REPLACE "," ";" FILES "${FILES}")
foreach(file IN LISTS FILES)
  cmake_path(GET file EXTENSION LAST_ONLY extension)
  cmake_path(GET file FILENAME name)
  if(NOT DEFINED type_${extension})
    message(FATAL_ERROR "${file}: no media type is known for ${extension}")
  endif()
  if(name STREQUAL "index.html")
    set(name "")
  endif()
  file(READ ${FOLDER}/${file} bytes HEX)
  file(SHA256 ${FOLDER}/${file} digest)
  string(LENGTH "${bytes}" length)
  math(EXPR length "${length} / 2")
  string(SUBSTRING ${digest} 0 32 digest)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes
    "${bytes}")
  string(APPEND arrays "// ${file}\nconstexpr unsigned char kFile${number}[] = {\n${bytes}};\n")
  string(APPEND entries "      Asset{\"/${name}\", \"${type_${extension}}\", \"\\\"${digest}\\\"\", text(kFile${number}, ${length})},\n")
  math(EXPR number "${number} + 1")
endforeach()

file(WRITE ${OUT} "// Written by cmake/ferry_embed.cmake.
#include \"${ROOM}/assets.hpp\"

#include <array>

namespace ferry::${ROOM} {
namespace {

${arrays}
std::string_view text(const unsigned char* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

std::span<const Asset> assets() {
  static const std::array kAssets{
${entries}  };
  return kAssets;
}

}  // namespace ferry::${ROOM}
")
