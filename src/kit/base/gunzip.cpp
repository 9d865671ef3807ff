#include "kit/base/gunzip.hpp"

#include <zlib.h>

#include <array>
#include <new>
#include <string>
#include <utility>

namespace ferry {
namespace {

constexpr std::size_t kUnpackedBytes = 64 * 1024;
constexpr std::uint64_t kAlwaysAllowed = 1 << 20;  // small files may be of one byte a million times

}  // namespace

struct Gunzip::State {
  z_stream stream{};
  std::array<char, kUnpackedBytes> unpacked{};
  std::uint64_t in = 0, out = 0, ratio_max = 0;
  bool at_end = true;  ///< of a member, or before the first

  [[nodiscard]] tl::unexpected<Error> bad(const std::string& what) const {
    return fail(ErrorKind::kCorrupt, what + " at byte " + std::to_string(in - stream.avail_in));
  }
};

Gunzip::Gunzip(std::uint64_t ratio_max) : state_(std::make_unique<State>()) {
  state_->ratio_max = ratio_max;
  constexpr int kGzipOnly = 16;
  if (inflateInit2(&state_->stream, MAX_WBITS + kGzipOnly) != Z_OK) throw std::bad_alloc{};
}

Gunzip::~Gunzip() { inflateEnd(&state_->stream); }

Status Gunzip::feed(std::string_view packed, const Sink& sink) {
  auto& [stream, unpacked, in, out, ratio_max, at_end] = *state_;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  in += packed.size();
  bool full = false;  // there may be more output without more input
  while (stream.avail_in > 0 || full) {
    if (std::exchange(at_end, false)) inflateReset(&stream);
    stream.next_out = reinterpret_cast<Bytef*>(unpacked.data());
    stream.avail_out = static_cast<uInt>(unpacked.size());
    const int result = inflate(&stream, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) return state_->bad("not gzip, or damaged,");
    at_end = result == Z_STREAM_END;
    full = stream.avail_out == 0 && !at_end;
    const std::size_t got = unpacked.size() - stream.avail_out;
    out += got;
    if (out > kAlwaysAllowed && out / ratio_max > in) {
      return state_->bad("unpacks to more than " + std::to_string(ratio_max) + " times its size");
    }
    if (auto taken = sink(std::string_view{unpacked.data(), got}); !taken) return taken;
  }
  return Unit{};
}

Status Gunzip::finish() const {
  if (state_->at_end && state_->in > 0) return Unit{};
  return state_->bad("the gzip file ends in the middle,");
}

}  // namespace ferry
