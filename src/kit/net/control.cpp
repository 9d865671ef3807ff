#include "kit/net/control.hpp"

#include "kit/base/text.hpp"
#include "kit/base/time.hpp"

namespace ferry::net {

Task<Result<WholeReply>> exchange_whole(HttpClient* http, Origin origin, RequestHead head, std::string body,
                                        std::size_t limit) {
  auto exchange = co_await http->open(std::move(origin), std::move(head), body.size());
  if (!exchange) co_return fail(std::move(exchange).error());
  if (!body.empty()) {
    auto sent = co_await (*exchange)->write(std::string_view{body});
    if (!sent) co_return fail(std::move(sent).error());
  }
  auto answered = co_await (*exchange)->response();
  if (!answered) co_return fail(std::move(answered).error());
  auto text = co_await (*exchange)->read_all(limit);
  const bool good = answered->status >= 200 && answered->status < 300;
  if (!text && good) co_return fail(std::move(text).error());
  WholeReply reply;
  reply.status = answered->status;
  reply.headers = std::move(answered->headers);
  if (text) reply.body = *std::move(text);
  co_return reply;
}

Result<Url> Url::parse(std::string_view text) {
  const auto wrong = [] { return fail(ErrorKind::kInvalid, "is not a plain http or https URL"); };
  const auto scheme = text.find("://");
  if (scheme == std::string_view::npos || text.find_first_of("#\r\n\t ") != std::string_view::npos) return wrong();
  const auto path = std::min(text.find_first_of("/?", scheme + 3), text.size());
  auto origin = Origin::parse(text.substr(0, path));
  if (!origin) return wrong();
  Url url;
  url.origin = *std::move(origin);
  url.target = std::string{text.substr(path)};
  if (!url.target.starts_with('/')) url.target.insert(0, 1, '/');
  return url;
}

std::string form_encode(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  std::string form;
  for (const auto& [name, value] : fields) {
    form.append(form.empty() ? "" : "&").append(percent_encode(name)).append("=").append(percent_encode(value));
  }
  return form;
}

std::chrono::sys_seconds date_of(const WholeReply& reply, std::chrono::sys_seconds ours) {
  const auto date = reply.headers.find("date");
  return (date ? parse_http_date(*date) : std::nullopt).value_or(ours);
}

}  // namespace ferry::net
