// What no migration can undercut on this machine: GET an object, CRC32C over its bytes, POST them to the target, on
// connections that are kept; one thread and one buffer per stream. No listing, signature, retry, state or integrity
// check but one: what the target says it stored must be what was hashed, so that nobody measures a relay that doesn't
// relay.

#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <charconv>
#include <exception>
#include <thread>
#include <vector>

#include "bench/limit/channel.hpp"
#include "kit/base/hash.hpp"

namespace ferry::limit {
namespace {

constexpr double kGiB = 1024.0 * 1024 * 1024;
/// In front of the body, so that the head of the upload and the first bytes leave in one call.
constexpr std::size_t kHeadRoom = 1024;

struct Options {
  std::string source, target, ca_file;
  std::uint64_t objects = 1;
  unsigned streams = 4;
  std::size_t buffer = 256 << 10;
};

/// As the sandbox names the objects of a synthetic bucket.
std::string key_of(std::uint64_t number) { return fmt::format("data/{:07}/{:03}", number / 1000, number % 1000); }

/// A reply of which the head is read, and as much of the body as came with it.
struct Reply {
  std::uint64_t length = 0;
  std::size_t body_at = 0, end = 0;  ///< in the space it was read to
};

std::uint64_t content_length(std::string_view head) {
  constexpr std::string_view kName = "\r\ncontent-length: ";
  const auto same = [](char a, char b) { return a == b || (a >= 'A' && a <= 'Z' && a - 'A' + 'a' == b); };
  const auto at = std::ranges::search(head, kName, same);
  std::uint64_t length = 0;
  if (at.empty() || std::from_chars(at.end(), head.end(), length).ec != std::errc{}) {
    throw std::runtime_error("a reply without a length");
  }
  return length;
}

Reply read_reply(Channel* channel, std::span<char> space) {
  Reply reply;
  for (;;) {
    reply.end += channel->receive(space.subspan(reply.end));
    const std::string_view text{space.data(), reply.end};
    const auto head = text.find("\r\n\r\n");
    if (head == std::string_view::npos) continue;
    if (!text.starts_with("HTTP/1.1 200 ")) throw std::runtime_error(fmt::format("refused: {}", text.substr(0, 200)));
    reply.body_at = head + 4;
    reply.length = content_length(text.substr(0, reply.body_at));
    return reply;
  }
}

class Stream {
 public:
  Stream(const Options& options, SSL_CTX* context)
      : from_(Server::parse(options.source)),
        to_(Server::parse(options.target)),
        source_(from_, context),
        target_(to_, context),
        buffer_(kHeadRoom + options.buffer) {}

  std::uint64_t relay(std::uint64_t number) {
    const auto key = key_of(number);
    source_.send(fmt::format("GET /{}/{} HTTP/1.1\r\nHost: source\r\n\r\n", from_.bucket, key));
    const auto space = std::span(buffer_).subspan(kHeadRoom);
    const auto object = read_reply(&source_, space);
    const auto first = space.subspan(object.body_at, object.end - object.body_at);
    auto crc = crc32c(0, first);
    target_.send(with_head(key, object.length, first));
    for (std::uint64_t left = object.length - first.size(); left != 0;) {
      const auto piece = space.first(source_.receive(space));
      crc = crc32c(crc, piece);
      target_.send({piece.data(), piece.size()});
      left -= piece.size();
    }
    expect_stored(crc);
    return object.length;
  }

 private:
  /// The head of the upload, written in front of the body's first bytes, and these.
  std::string_view with_head(const std::string& key, std::uint64_t length, std::span<char> first) {
    const auto head = fmt::format(
        "POST /upload/storage/v1/b/{}/o?uploadType=media&name={} HTTP/1.1\r\nHost: target\r\nContent-Length: "
        "{}\r\n\r\n",
        to_.bucket, key, length);
    char* const begin = first.data() - head.size();
    std::ranges::copy(head, begin);
    return {begin, head.size() + first.size()};
  }

  void expect_stored(std::uint32_t crc) {
    const std::span<char> space(buffer_);
    auto reply = read_reply(&target_, space);
    while (reply.end - reply.body_at < reply.length) reply.end += target_.receive(space.subspan(reply.end));
    const std::string_view body{space.data() + reply.body_at, reply.length};
    if (body.find(base64(big_endian(crc))) == std::string_view::npos) {
      throw std::runtime_error(fmt::format("stored is not what was sent: {}", body));
    }
  }

  Server from_, to_;
  Channel source_, target_;
  std::vector<char> buffer_;
};

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// @return bytes relayed. @throws what the first stream threw that failed.
std::uint64_t relay_all(const Options& options) {
  const auto context = options.ca_file.empty() ? Context{} : make_context(options.ca_file);
  std::atomic<std::uint64_t> next = 0, bytes = 0;
  std::vector<std::exception_ptr> failures(options.streams);
  {
    std::vector<std::jthread> threads;
    for (auto& failure : failures) {
      threads.emplace_back([&] {
        try {
          Stream stream(options, context.get());
          for (auto i = next++; i < options.objects; i = next++) bytes += stream.relay(i);
        } catch (...) {
          failure = std::current_exception();
        }
      });
    }
  }
  for (const auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return bytes;
}

int run(int count, char** words) {
  Options options;
  CLI::App app{"Relays the objects of a synthetic, public bucket of bucketferry-sandbox to a bucket of its GCS side."};
  app.add_option("source", options.source, "http://ADDRESS:PORT/BUCKET, https: with --ca")->required();
  app.add_option("target", options.target, "likewise")->required();
  app.add_option("--objects", options.objects, "how many")->capture_default_str();
  app.add_option("--streams", options.streams, "at once; a thread and two connections each")->capture_default_str();
  app.add_option("--buffer", options.buffer, "bytes per stream")->capture_default_str();
  app.add_option("--ca", options.ca_file, "TLS: who certifies the servers (PEM)");
  CLI11_PARSE(app, count, words);
  const auto bytes = relay_all(options);
  const auto cpu = cpu_seconds();
  fmt::print(R"({{"objects":{},"bytes":{},"cpu_s":{:.6f},"cpu_s_per_gib":{:.4f},"cpu_us_per_object":{:.2f}}})"
             "\n",
             options.objects, bytes, cpu, cpu / (static_cast<double>(bytes) / kGiB),
             cpu / static_cast<double>(options.objects) * 1e6);
  return 0;
}

}  // namespace
}  // namespace ferry::limit

int main(int count, char** words) {
  try {
    return ferry::limit::run(count, words);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bucketferry-limit: {}\n", error.what());
    return 1;
  }
}
