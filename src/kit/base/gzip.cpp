#include "kit/base/gzip.hpp"

#include <isa-l/igzip_lib.h>

#include <cassert>

namespace ferry {

std::string gzip(std::string_view bytes) {
  constexpr std::size_t kOverhead = 4096;  // more than what stored blocks and the frame add
  std::string packed(bytes.size() + bytes.size() / 64 + kOverhead, '\0');
  isal_zstream stream;
  isal_deflate_stateless_init(&stream);
  stream.gzip_flag = IGZIP_GZIP;
  stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<std::uint32_t>(bytes.size());
  stream.end_of_stream = 1;
  stream.flush = NO_FLUSH;
  stream.next_out = reinterpret_cast<std::uint8_t*>(packed.data());
  stream.avail_out = static_cast<std::uint32_t>(packed.size());
  [[maybe_unused]] const int done = isal_deflate_stateless(&stream);
  assert(done == COMP_OK);
  packed.resize(packed.size() - stream.avail_out);
  return packed;
}

}  // namespace ferry
