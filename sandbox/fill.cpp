#include "sandbox/fill.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <pugixml.hpp>

#include "kit/async/task_group.hpp"
#include "kit/base/text.hpp"
#include "kit/base/time.hpp"
#include "kit/net/http_client.hpp"
#include "sandbox/pattern.hpp"
#include "sandbox/recipe.hpp"
#include "sandbox/sigv4.hpp"
#include "sandbox/text_out.hpp"

namespace ferry::sandbox {
namespace {

constexpr std::size_t kReplyMax = 1 << 20;
constexpr std::uint64_t kWriteBytes = 256 * 1024;

/// Bytes to send: given ones, or a slice of the pattern.
struct Body {
  std::string text;
  std::uint64_t shift = 0, first = 0, size = 0;
  Body() = default;
  explicit Body(std::string given) : text(std::move(given)), size(text.size()) {}
  Body(std::uint64_t s, std::uint64_t f, std::uint64_t n) : shift(s), first(f), size(n) {}
  [[nodiscard]] std::span<const char> view(std::uint64_t done) const {
    const auto length = std::min(kWriteBytes, size - done);
    return text.empty() ? Pattern::instance().at(shift + first + done, length)
                        : std::span<const char>(text).subspan(done, length);
  }
};

struct Answer {
  int status = 0;
  std::string etag, body;
};

class Filler {
 public:
  Filler(FillOptions options, net::Origin origin, net::HttpClient* http)
      : options_(std::move(options)),
        origin_(std::move(origin)),
        http_(http),
        keys_{options_.access_key, options_.secret_key, {}} {}

  Task<Status> make_bucket();
  Task<> work(const std::vector<FillItem>* items);
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  Task<Result<Answer>> call(std::string method, std::string key, Query query, net::Headers extra, Body body);
  Task<Status> store(const FillItem* item);
  Task<Status> store_in_parts(const FillItem* item, std::uint64_t shift);

  FillOptions options_;
  net::Origin origin_;
  net::HttpClient* http_;
  S3Keys keys_;
  std::size_t next_ = 0;
  std::uint64_t bytes_ = 0;
  std::optional<Error> error_;
};

std::string query_text(const Query& query) {
  std::string text;
  for (const auto& [name, value] : query.pairs()) {
    text += text.empty() ? '?' : '&';
    text += percent_encode(name) + "=" + percent_encode(value);
  }
  return text;
}

/// What an S3 server said, in one line.
std::string explain(const Answer& answer) {
  pugi::xml_document xml;
  xml.load_buffer(answer.body.data(), answer.body.size());
  const auto root = xml.document_element();
  return fmt::format("{} {} {}", answer.status, printable(root.child_value("Code")),
                     printable(root.child_value("Message")));
}

Task<Result<Answer>> Filler::call(std::string method, std::string key, Query query, net::Headers extra, Body body) {
  const auto path = "/" + options_.bucket + (key.empty() ? "" : "/" + percent_encode(key, "/"));
  net::Headers headers = std::move(extra);
  headers.add("Host", origin_.host_header());
  headers.add("x-amz-date", amz_date(std::chrono::floor<std::chrono::seconds>(system_clock()->wall())));
  headers.add("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
  headers.add("Authorization", authorization(method, path, query, headers, keys_, options_.region));
  net::RequestHead head(method, path + query_text(query), std::move(headers));
  auto opened = co_await http_->open(origin_, std::move(head), body.size);
  if (!opened) co_return fail(std::move(opened).error());
  auto& exchange = **opened;
  for (std::uint64_t done = 0; done < body.size && !exchange.reply_pending();) {
    const auto bytes = body.view(done);
    if (auto sent = co_await exchange.write(bytes); !sent) co_return fail(std::move(sent).error());
    done += bytes.size();
  }
  auto response = co_await exchange.response();
  if (!response) co_return fail(std::move(response).error());
  auto text = co_await exchange.read_all(kReplyMax);
  if (!text) co_return fail(std::move(text).error());
  Answer answer;
  answer.status = response->status;
  answer.etag = response->headers.find("etag").value_or("");
  answer.body = *std::move(text);
  co_return answer;
}

Task<Status> Filler::make_bucket() {
  auto answer = co_await call("PUT", "", Query{}, net::Headers{}, Body{});
  if (!answer) co_return fail(std::move(answer).error());
  if (answer->status == 200 || answer->status == 409) co_return Status{};
  co_return fail(ErrorKind::kDenied, fmt::format("make bucket {}: {}", options_.bucket, explain(*answer)));
}

Task<> Filler::work(const std::vector<FillItem>* items) {
  while (next_ < items->size() && !error_) {
    const auto* item = &(*items)[next_++];
    auto stored = co_await store(item);
    if (!stored && !error_)
      error_ = std::move(stored).error().during("store " + printable(options_.prefix + item->key));
  }
}

Task<Status> Filler::store(const FillItem* item) {
  const auto revision = options_.seed * 2 + (options_.change > 0 ? 1 : 0);
  const auto shift = scatter(item->key, revision) % Pattern::kPeriod;
  bytes_ += item->size;
  if (item->part_size > 0) co_return co_await store_in_parts(item, shift);
  net::Headers headers;
  for (const auto& [name, value] : item->headers) headers.add(name, value);
  Body body = item->text.empty() ? Body(shift, 0, item->size) : Body(item->text);
  auto answer = co_await call("PUT", options_.prefix + item->key, Query{}, std::move(headers), std::move(body));
  if (!answer) co_return fail(std::move(answer).error());
  if (answer->status != 200) co_return fail(ErrorKind::kInvalid, explain(*answer));
  co_return Status{};
}

Task<Status> Filler::store_in_parts(const FillItem* item, std::uint64_t shift) {
  const auto key = options_.prefix + item->key;
  Query start;
  start.add("uploads", "");
  auto begun = co_await call("POST", key, std::move(start), net::Headers{}, Body{});
  if (!begun) co_return fail(std::move(begun).error());
  pugi::xml_document xml;
  xml.load_buffer(begun->body.data(), begun->body.size());
  const std::string id = xml.document_element().child_value("UploadId");
  if (begun->status != 200 || id.empty()) co_return fail(ErrorKind::kInvalid, explain(*begun));

  std::string list = "<CompleteMultipartUpload>";
  std::uint64_t number = 1;
  for (std::uint64_t first = 0; first < item->size; first += item->part_size, ++number) {
    Query query;
    query.add("partNumber", std::to_string(number));
    query.add("uploadId", id);
    Body part(shift, first, std::min(item->part_size, item->size - first));
    auto sent = co_await call("PUT", key, std::move(query), net::Headers{}, std::move(part));
    if (!sent) co_return fail(std::move(sent).error());
    if (sent->status != 200) co_return fail(ErrorKind::kInvalid, fmt::format("part {}: {}", number, explain(*sent)));
    list += fmt::format("<Part><PartNumber>{}</PartNumber>", number);
    append_element(&list, "ETag", sent->etag);
    list += "</Part>";
  }
  Query finish;
  finish.add("uploadId", id);
  Body body(list + "</CompleteMultipartUpload>");
  auto done = co_await call("POST", key, std::move(finish), net::Headers{}, std::move(body));
  if (!done) co_return fail(std::move(done).error());
  if (done->status != 200 || done->body.find("<Error>") != std::string::npos) {
    co_return fail(ErrorKind::kInvalid, "complete: " + explain(*done));
  }
  co_return Status{};
}

Task<> run_fill(Filler* filler, const std::vector<FillItem>* items, int parallel, Status* made) {
  *made = co_await filler->make_bucket();
  if (!*made) co_return;
  TaskGroup group{co_await asio::this_coro::executor};
  for (int i = 0; i < parallel; ++i) group.spawn(filler->work(items));
  co_await group.join();
}

int complain(const Error& error, int code) {
  std::fprintf(stderr, "bucketferry-sandbox fill: %s\n", error.what.c_str());
  return code;
}

}  // namespace

int fill(FillOptions options) {
  auto items = make_recipe(options.recipe, options.seed, options.with_illegal);
  if (!items) return complain(items.error(), 2);
  if (options.change > 0) *items = chosen_for_change(*std::move(items), options.change);
  auto origin = net::Origin::parse(options.endpoint);
  if (!origin) return complain(origin.error(), 2);

  asio::io_context context{1};
  auto http = net::make_http_client(context.get_executor(), net::ClientOptions{}, system_clock());
  if (!http) return complain(http.error(), 2);
  const auto parallel = options.parallel;
  Filler filler(std::move(options), *std::move(origin), http->get());
  Status made;
  std::exception_ptr broken;
  asio::co_spawn(context, run_fill(&filler, &*items, parallel, &made), [&](std::exception_ptr error) {
    broken = std::move(error);
    context.stop();
  });
  context.run();
  if (broken) std::rethrow_exception(broken);
  if (!made) return complain(made.error(), 3);
  if (filler.error()) return complain(*filler.error(), 1);
  std::printf("{\"event\":\"filled\",\"objects\":%zu,\"bytes\":%llu}\n", items->size(),
              static_cast<unsigned long long>(filler.bytes()));
  return 0;
}

}  // namespace ferry::sandbox
