#include "sandbox/content.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace ferry::sandbox {

void Content::append(std::shared_ptr<const Piece> piece, std::uint64_t offset, std::uint64_t size) {
  if (size > 0) runs_.push_back(Run{std::move(piece), offset, size, this->size() + size});
}

void Content::append(const Content& other) {
  runs_.reserve(runs_.size() + other.runs_.size());
  for (const Run& run : other.runs_) append(run.piece, run.offset, run.size);
}

Content Content::slice(std::uint64_t first, std::uint64_t size) const {
  Content cut;
  for (const Run& run : runs_) {
    const auto start = run.end - run.size;
    const auto from = std::max(first, start);
    const auto to = std::min(first + size, run.end);
    if (from < to) cut.append(run.piece, run.offset + (from - start), to - from);
  }
  return cut;
}

std::span<const char> Content::view(std::uint64_t offset, std::uint64_t length, std::span<char> scratch) const {
  const auto run = std::upper_bound(runs_.begin(), runs_.end(), offset,
                                    [](std::uint64_t position, const Run& r) { return position < r.end; });
  assert(run != runs_.end());
  const auto within = offset - (run->end - run->size);
  return run->piece->view(run->offset + within, std::min(length, run->size - within), scratch);
}

std::string Content::scratch() const {
  constexpr std::size_t kScratchBytes = 64 * 1024;
  const bool on_disk = std::ranges::any_of(runs_, [](const Run& run) { return run.piece->file_offset().has_value(); });
  return std::string(on_disk ? kScratchBytes : 0, '\0');
}

std::string Content::text(std::uint64_t first, std::uint64_t wanted) const {
  wanted = std::min(wanted, size() - std::min(first, size()));
  std::string bytes;
  bytes.reserve(wanted);
  for (auto room = scratch(); bytes.size() < wanted;) {
    const auto some = view(first + bytes.size(), wanted - bytes.size(), room);
    if (some.empty()) break;
    bytes.append(some.data(), some.size());
  }
  return bytes;
}

namespace {

class StringPiece final : public Piece {
 public:
  explicit StringPiece(std::string bytes) : bytes_(std::move(bytes)) {}
  std::span<const char> view(std::uint64_t offset, std::uint64_t length, std::span<char>) const override {
    return std::span<const char>(bytes_).subspan(offset, length);
  }

 private:
  std::string bytes_;
};

class DiscardedPiece final : public Piece {
 public:
  std::span<const char> view(std::uint64_t, std::uint64_t, std::span<char>) const override { return {}; }
};

class MemoryStore final : public ByteStore {
 public:
  Result<std::shared_ptr<const Piece>> keep(std::string bytes) override { return string_piece(std::move(bytes)); }
};

class DiscardingStore final : public ByteStore {
 public:
  Result<std::shared_ptr<const Piece>> keep(std::string) override { return piece_; }

 private:
  std::shared_ptr<const Piece> piece_ = std::make_shared<DiscardedPiece>();
};

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

class FilePiece final : public Piece {
 public:
  FilePiece(std::shared_ptr<Descriptor> file, std::uint64_t offset) : file_(std::move(file)), offset_(offset) {}
  std::span<const char> view(std::uint64_t offset, std::uint64_t length, std::span<char> scratch) const override {
    const auto wanted = std::min<std::uint64_t>(length, scratch.size());
    const auto got = ::pread(file_->get(), scratch.data(), wanted, static_cast<off_t>(offset_ + offset));
    return scratch.first(got > 0 ? static_cast<std::size_t>(got) : 0);
  }
  std::optional<std::uint64_t> file_offset() const override { return offset_; }

 private:
  std::shared_ptr<Descriptor> file_;
  std::uint64_t offset_;
};

class GrowingFile final : public FileStore {
 public:
  GrowingFile(int fd, std::uint64_t size) : file_(std::make_shared<Descriptor>(fd)), end_(size) {}

  Result<std::shared_ptr<const Piece>> keep(std::string bytes) override {
    const auto place = end_.fetch_add(bytes.size());
    for (std::size_t done = 0; done < bytes.size();) {
      const auto written =
          ::pwrite(file_->get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(place + done));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0)
        return fail(ErrorKind::kUnavailable, "write data file: " + std::generic_category().message(errno));
      done += static_cast<std::size_t>(written);
    }
    return restore(place);
  }

  std::shared_ptr<const Piece> restore(std::uint64_t offset) override {
    return std::make_shared<FilePiece>(file_, offset);
  }

 private:
  std::shared_ptr<Descriptor> file_;
  std::atomic<std::uint64_t> end_;
};

}  // namespace

std::shared_ptr<const Piece> string_piece(std::string bytes) { return std::make_shared<StringPiece>(std::move(bytes)); }

Content string_content(std::string bytes) {
  Content content;
  const auto size = bytes.size();
  content.append(string_piece(std::move(bytes)), 0, size);
  return content;
}

std::unique_ptr<ByteStore> memory_store() { return std::make_unique<MemoryStore>(); }
std::unique_ptr<ByteStore> discarding_store() { return std::make_unique<DiscardingStore>(); }

Result<std::unique_ptr<FileStore>> file_store(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  struct stat info{};
  if (fd < 0 || ::fstat(fd, &info) != 0) {
    const auto why = std::generic_category().message(errno);
    if (fd >= 0) ::close(fd);
    return fail(ErrorKind::kInvalid, "open " + path + ": " + why);
  }
  return std::make_unique<GrowingFile>(fd, static_cast<std::uint64_t>(info.st_size));
}

void Digests::want(HashKind kind) {
  if (kind == HashKind::kCrc32c || get(kind)) return;
  hashes_.emplace_back(kind, make_hash(kind));
}

void Digests::update(std::span<const char> bytes) {
  crc32c_ = ferry::crc32c(crc32c_, bytes);
  for (auto& [kind, hash] : hashes_) hash->update(bytes);
}

std::optional<std::string> Digests::get(HashKind kind) const {
  if (kind == HashKind::kCrc32c) return big_endian(crc32c_);
  for (const auto& [wanted, hash] : hashes_) {
    if (wanted == kind) return hash->digest().bytes;
  }
  return std::nullopt;
}

std::span<char> Intake::space() {
  if (quantum_.empty()) {
    const auto rest = expected_ ? *expected_ - std::min(*expected_, content_.size()) : kQuantum;
    quantum_.resize(std::clamp<std::uint64_t>(rest, 1, kQuantum));
  }
  return std::span<char>(quantum_).subspan(filled_);
}

Status Intake::arrived(std::size_t count) {
  filled_ += count;
  return filled_ == quantum_.size() ? keep_quantum() : Status{};
}

Status Intake::add(std::span<const char> bytes) {
  while (!bytes.empty()) {
    const auto room = space();
    const auto count = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), count);
    bytes = bytes.subspan(count);
    if (auto kept = arrived(count); !kept) return kept;
  }
  return {};
}

Status Intake::end() {
  if (filled_ == 0) return {};
  quantum_.resize(filled_);
  if (filled_ < kQuantum / 2) quantum_.shrink_to_fit();
  return keep_quantum();
}

Status Intake::keep_quantum() {
  filled_ = 0;
  auto bytes = std::exchange(quantum_, {});
  return keep(std::move(bytes));
}

Status Intake::keep(std::string bytes) {
  const auto size = bytes.size();
  digests_.update(bytes);
  auto piece = store_->keep(std::move(bytes));
  if (!piece) return fail(std::move(piece).error());
  content_.append(*std::move(piece), 0, size);
  return {};
}

}  // namespace ferry::sandbox
