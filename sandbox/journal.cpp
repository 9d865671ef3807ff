#include "sandbox/journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <fstream>
#include <functional>
#include <iterator>
#include <system_error>

#include "kit/base/text.hpp"
#include "sandbox/text_out.hpp"

namespace ferry::sandbox {
namespace {

namespace json = boost::json;

std::uint64_t micros_of(WallTime time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count());
}
WallTime from_micros(std::uint64_t micros) {
  return WallTime{std::chrono::microseconds(static_cast<std::int64_t>(micros))};
}

void append_pairs(std::string* out, const Pairs& pairs) {
  *out += '[';
  for (const auto& [name, value] : pairs) {
    if (out->back() != '[') *out += ',';
    append_json(out, hex(name));  // hex: metadata of S3 need not be UTF-8
    *out += ',';
    append_json(out, hex(value));
  }
  *out += ']';
}

/// Runs as flat numbers: place in the data file, size.
void append_content(std::string* out, const Content& content) {
  *out += '[';
  for (const auto& run : content.runs()) {
    if (out->back() != '[') *out += ',';
    *out += fmt::format("{},{}", run.piece->file_offset().value_or(0) + run.offset, run.size);
  }
  *out += ']';
}

std::string text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string{};
}
std::uint64_t number_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_number() ? value->to_number<std::uint64_t>() : 0;
}
const json::array& list_of(const json::object& object, std::string_view name) {
  static const json::array kEmpty;
  const auto* value = object.if_contains(name);
  return value && value->is_array() ? value->get_array() : kEmpty;
}

Pairs pairs_of(const json::object& object, std::string_view name) {
  Pairs pairs;
  const auto& list = list_of(object, name);
  for (std::size_t i = 0; i + 1 < list.size(); i += 2) {
    pairs.emplace_back(from_hex(std::string_view(list[i].as_string())).value_or(""),
                       from_hex(std::string_view(list[i + 1].as_string())).value_or(""));
  }
  return pairs;
}

Content content_of(const json::object& object, FileStore* bytes) {
  Content content;
  const auto& list = list_of(object, "content");
  for (std::size_t i = 0; i + 1 < list.size(); i += 2) {
    content.append(bytes->restore(list[i].to_number<std::uint64_t>()), 0, list[i + 1].to_number<std::uint64_t>());
  }
  return content;
}

void append_s3_object(JsonObject* out, const S3Object& object) {
  out->text("etag", object.etag).number("modified", micros_of(object.modified)).text_if("class", object.storage_class);
  out->text("encryption", object.encryption)
      .text_if("key_md5", object.customer_key_md5)
      .text_if("version", object.version_id);
  if (object.delete_marker) out->number("marker", 1);
  out->text_if("archive_tier", object.archive_tier);
  if (object.readable_from) out->number("readable", micros_of(*object.readable_from));
  if (object.restored_until) out->number("restored", micros_of(*object.restored_until));
  append_content(out->name("content"), object.content);
  append_pairs(out->name("headers"), object.headers);
  append_pairs(out->name("metadata"), object.metadata);
  append_pairs(out->name("tags"), object.tags);
  const auto checksum = [](std::string* to, const std::optional<S3Checksum>& one) {
    append_json(to,
                one ? fmt::format("{}:{}:{}", static_cast<int>(one->kind), one->full_object ? 1 : 0, one->value) : "");
  };
  checksum(out->name("checksum"), object.checksum);
  auto* parts = out->name("parts");
  *parts += '[';
  for (const auto& part : object.parts) {
    if (parts->back() != '[') *parts += ',';
    *parts += std::to_string(part.size) + ",";
    checksum(parts, part.checksum);
  }
  *parts += ']';
}

std::optional<S3Checksum> checksum_of(std::string_view text) {
  if (text.size() < 5) return std::nullopt;
  return S3Checksum{static_cast<HashKind>(text[0] - '0'), std::string(text.substr(4)), text[2] == '1'};
}

S3Object s3_object_of(const json::object& line, FileStore* bytes) {
  S3Object object;
  object.etag = text_of(line, "etag");
  object.modified = from_micros(number_of(line, "modified"));
  object.storage_class = text_of(line, "class");
  object.encryption = text_of(line, "encryption");
  object.customer_key_md5 = text_of(line, "key_md5");
  object.version_id = text_of(line, "version");
  object.delete_marker = number_of(line, "marker") != 0;
  object.archive_tier = text_of(line, "archive_tier");
  if (const auto from = number_of(line, "readable")) object.readable_from = from_micros(from);
  if (const auto until = number_of(line, "restored")) object.restored_until = from_micros(until);
  object.content = content_of(line, bytes);
  object.headers = pairs_of(line, "headers");
  object.metadata = pairs_of(line, "metadata");
  object.tags = pairs_of(line, "tags");
  object.checksum = checksum_of(text_of(line, "checksum"));
  const auto& parts = list_of(line, "parts");
  for (std::size_t i = 0; i + 1 < parts.size(); i += 2) {
    object.parts.push_back(
        S3Part{parts[i].to_number<std::uint64_t>(), checksum_of(std::string_view(parts[i + 1].as_string()))});
  }
  return object;
}

void append_gcs_object(JsonObject* out, const GcsObject& object) {
  out->number("generation", object.generation)
      .number("metageneration", object.metageneration)
      .number("crc32c", object.crc32c);
  if (object.md5) out->text("md5", hex(*object.md5));
  out->text_if("sha256", object.sha256.value_or("")).text_if("type", object.content_type);
  out->text_if("encoding", object.content_encoding).text_if("disposition", object.content_disposition);
  out->text_if("language", object.content_language).text_if("cache", object.cache_control);
  out->text_if("custom_time", object.custom_time).text("class", object.storage_class);
  out->number("components", object.components).number("created", micros_of(object.created));
  out->number("updated", micros_of(object.updated));
  append_content(out->name("content"), object.content);
  append_pairs(out->name("metadata"), Pairs(object.metadata.begin(), object.metadata.end()));
  append_pairs(out->name("contexts"), Pairs(object.contexts.begin(), object.contexts.end()));
  out->text_if("kms_key", object.kms_key);
}

GcsObject gcs_object_of(const json::object& line, FileStore* bytes) {
  GcsObject object;
  object.generation = number_of(line, "generation");
  object.metageneration = number_of(line, "metageneration");
  object.crc32c = static_cast<std::uint32_t>(number_of(line, "crc32c"));
  if (const auto md5 = text_of(line, "md5"); !md5.empty()) object.md5 = from_hex(md5);
  if (auto sha256 = text_of(line, "sha256"); !sha256.empty()) object.sha256 = std::move(sha256);
  object.content_type = text_of(line, "type");
  object.content_encoding = text_of(line, "encoding");
  object.content_disposition = text_of(line, "disposition");
  object.content_language = text_of(line, "language");
  object.cache_control = text_of(line, "cache");
  object.custom_time = text_of(line, "custom_time");
  object.storage_class = text_of(line, "class");
  object.components = number_of(line, "components");
  object.created = from_micros(number_of(line, "created"));
  object.updated = from_micros(number_of(line, "updated"));
  object.content = content_of(line, bytes);
  for (auto& [name, value] : pairs_of(line, "metadata")) object.metadata[name] = value;
  for (auto& [name, value] : pairs_of(line, "contexts")) object.contexts[name] = value;
  object.kms_key = text_of(line, "kms_key");
  return object;
}

std::string line_for(std::string_view what, std::string_view bucket, std::optional<std::string_view> key,
                     const std::function<void(JsonObject*)>& rest = {}) {
  std::string line;
  JsonObject out(&line);
  out.text("do", what).text("bucket", bucket);
  if (key) out.text("key", *key);
  if (rest) rest(&out);
  out.end();
  return line + "\n";
}

void replay(const json::object& line, S3Store* s3, GcsStore* gcs, FileStore* bytes) {
  const auto what = text_of(line, "do");
  const auto bucket = text_of(line, "bucket");
  const auto key = text_of(line, "key");
  if (what == "s3.bucket") {
    S3BucketInfo info;
    info.name = bucket;
    info.region = text_of(line, "region");
    info.created = from_micros(number_of(line, "created"));
    info.open = number_of(line, "open") != 0;
    info.requester_pays = number_of(line, "requester_pays") != 0;
    info.versions = number_of(line, "versions") != 0;
    if (!s3->make_bucket(info)) s3->set_versions(bucket, info.versions);
  }
  if (what == "s3.bucket.gone") (void)s3->remove_bucket(bucket);
  if (what == "s3.put") s3->restore(bucket, key, s3_object_of(line, bytes));
  if (what == "s3.gone") (void)s3->remove(bucket, key);
  if (what == "gcs.bucket") (void)gcs->make_bucket(bucket);
  if (what == "gcs.bucket.gone") (void)gcs->remove_bucket(bucket);
  if (what == "gcs.put") gcs->restore(bucket, key, gcs_object_of(line, bytes));
  if (what == "gcs.gone") gcs->forget(bucket, key);
}

/// Replays whole lines; returns where the last of them ends.
Result<std::uint64_t> replay_file(const std::string& path, S3Store* s3, GcsStore* gcs, FileStore* bytes) {
  std::ifstream file(path, std::ios::binary);
  std::uint64_t end = 0;
  std::string text;
  for (std::size_t number = 1; std::getline(file, text) && !file.eof(); ++number) {
    boost::system::error_code bad;
    const auto value = json::parse(text, bad);
    if (bad || !value.is_object()) {
      return fail(ErrorKind::kInvalid, fmt::format("{} line {} is damaged: move the data folder away", path, number));
    }
    replay(value.get_object(), s3, gcs, bytes);
    end += text.size() + 1;
  }
  return end;
}

}  // namespace

class Journal::S3Side final : public S3Observer {
 public:
  explicit S3Side(Journal* journal) : journal_(journal) {}
  void bucket_made(const S3BucketInfo& bucket) override {
    journal_->append(line_for("s3.bucket", bucket.name, std::nullopt, [&](JsonObject* out) {
      out->text("region", bucket.region).number("created", micros_of(bucket.created));
      out->number("open", bucket.open).number("versions", bucket.versions);
      out->number("requester_pays", bucket.requester_pays);
    }));
  }
  void bucket_gone(std::string_view bucket) override {
    journal_->append(line_for("s3.bucket.gone", bucket, std::nullopt));
  }
  void object_stored(std::string_view bucket, std::string_view key, const S3Object& object) override {
    journal_->append(line_for("s3.put", bucket, key, [&](JsonObject* out) { append_s3_object(out, object); }));
  }
  void object_gone(std::string_view bucket, std::string_view key) override {
    journal_->append(line_for("s3.gone", bucket, key));
  }

 private:
  Journal* journal_;
};

class Journal::GcsSide final : public GcsObserver {
 public:
  explicit GcsSide(Journal* journal) : journal_(journal) {}
  void bucket_made(std::string_view bucket) override { journal_->append(line_for("gcs.bucket", bucket, std::nullopt)); }
  void bucket_gone(std::string_view bucket) override {
    journal_->append(line_for("gcs.bucket.gone", bucket, std::nullopt));
  }
  void object_stored(std::string_view bucket, std::string_view name, const GcsObject& object) override {
    journal_->append(line_for("gcs.put", bucket, name, [&](JsonObject* out) { append_gcs_object(out, object); }));
  }
  void object_gone(std::string_view bucket, std::string_view name) override {
    journal_->append(line_for("gcs.gone", bucket, name));
  }

 private:
  Journal* journal_;
};

Journal::Journal(int fd, S3Store* s3, GcsStore* gcs)
    : fd_(fd),
      s3_(s3),
      gcs_(gcs),
      s3_side_(std::make_unique<S3Side>(this)),
      gcs_side_(std::make_unique<GcsSide>(this)) {
  s3_->observe(s3_side_.get());
  gcs_->observe(gcs_side_.get());
}

Journal::~Journal() {
  s3_->observe(nullptr);
  gcs_->observe(nullptr);
  ::close(fd_);
}

Result<std::unique_ptr<Journal>> Journal::open(const std::string& directory, S3Store* s3, GcsStore* gcs,
                                               FileStore* bytes) {
  const auto path = directory + "/journal";
  const auto end = replay_file(path, s3, gcs, bytes);
  if (!end) return fail(end.error());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, static_cast<off_t>(*end)) != 0) {
    const auto why = std::generic_category().message(errno);
    if (fd >= 0) ::close(fd);
    return fail(ErrorKind::kInvalid, "open " + path + ": " + why);
  }
  return std::unique_ptr<Journal>(new Journal(fd, s3, gcs));
}

/// One write per line, so that a crash leaves whole lines and at most one cut one.
void Journal::append(const std::string& line) {
  const std::lock_guard lock(mutex_);
  for (std::string_view rest = line; !rest.empty();) {
    const auto written = ::write(fd_, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // disk full: the sandbox goes on in memory
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace ferry::sandbox
