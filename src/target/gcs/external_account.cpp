// Workload identity federation: another issuer's token, exchanged for one of Google's (protocol-facts 4).

#include <boost/json.hpp>

#include "kit/base/text.hpp"
#include "target/gcs/token_sources.hpp"

namespace ferry::gcs {
namespace {

constexpr std::size_t kSubjectMax = 64 << 10;

/// The subject token: what proves who we are to the other issuer.
using SubjectAsker = std::function<Task<Result<std::string>>(net::Routes)>;

/// A text as it is, or one field of JSON.
struct Format {
  std::string field;  ///< empty: the whole text
  [[nodiscard]] Result<std::string> read(std::string_view text, const std::string& where) const {
    if (field.empty()) {
      const auto whole = trim(text);
      if (whole.empty()) return fail(ErrorKind::kUnavailable, where + ": is empty");
      return std::string{whole};
    }
    auto value = text_field(text, field);
    if (!value) {
      return fail(ErrorKind::kUnavailable, where + ": is not JSON with a text in \"" + printable(field) + "\"");
    }
    return *std::move(value);
  }
};

std::string member_text(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  const auto* text = value ? value->if_string() : nullptr;
  return text ? std::string{text->data(), text->size()} : std::string{};
}

const boost::json::object* member_object(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value ? value->if_object() : nullptr;
}

tl::unexpected<Error> bad_external(const std::string& what) {
  return fail(ErrorKind::kInvalid, "credentials file (external_account): " + what);
}

/// Read anew each time: whoever writes it renews it.
Task<Result<std::string>> subject_of_file(std::string path, Format format) {
  std::optional<std::string> ignored;  // others may read a token that is mounted for us
  auto text = read_key_file(path, &ignored);
  if (!text) co_return fail(ErrorKind::kUnavailable, "subject token: " + text.error().what);
  co_return format.read(*text, "subject token " + printable(path));
}

Task<Result<std::string>> subject_of_url(net::Url url, net::Headers headers, Format format, net::Routes routes) {
  const auto where = "subject token from " + url.origin.url();
  auto* const http = url.origin.tls ? routes.far : routes.near;
  net::RequestHead head{"GET", url.target, std::move(headers)};
  auto reply = co_await net::exchange_whole(http, std::move(url.origin), std::move(head), {}, kSubjectMax);
  if (!reply) co_return fail(std::move(reply).error().during(where));
  if (reply->status != 200) co_return fail(token_refusal(*reply, where, "check credential_source of the file"));
  co_return format.read(reply->body, where);
}

class ExternalSource final : public TokenSource {
 public:
  struct Terms {
    std::string audience, subject_type, scope;
  };
  ExternalSource(Terms terms, net::Url url, SubjectAsker subject)
      : terms_(std::move(terms)), url_(std::move(url)), subject_(std::move(subject)) {}

  Task<Result<Fetched>> fetch(net::Routes routes) override {
    auto subject = co_await subject_(routes);
    if (!subject) co_return fail(std::move(subject).error());
    auto form = net::form_encode({{"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"},
                                  {"audience", terms_.audience},
                                  {"scope", terms_.scope},
                                  {"requested_token_type", "urn:ietf:params:oauth:token-type:access_token"},
                                  {"subject_token", *subject},
                                  {"subject_token_type", terms_.subject_type}});
    const auto where = "token for " + describe() + " from " + url_.origin.url();
    co_return co_await exchange_token(routes.far, url_, std::move(form), where,
                                      "check the workload identity pool, its provider and their conditions");
  }
  std::string describe() const override { return "federated identity " + printable(terms_.audience); }

 private:
  const Terms terms_;
  const net::Url url_;
  const SubjectAsker subject_;
};

Result<Format> format_of(const boost::json::object& source) {
  Format format;
  const auto* given = member_object(source, "format");
  if (!given || member_text(*given, "type") != "json") return format;
  format.field = member_text(*given, "subject_token_field_name");
  if (format.field.empty()) return bad_external("\"subject_token_field_name\" is missing");
  return format;
}

Result<SubjectAsker> subject_by_url(const boost::json::object& source, Format format) {
  auto url = net::Url::parse(member_text(source, "url"));
  if (!url) return bad_external("credential_source \"url\" is not a plain URL");
  net::Headers headers;
  if (const auto* given = member_object(source, "headers")) {
    for (const auto& [name, value] : *given) {
      if (const auto* text = value.if_string()) headers.add(std::string{name}, std::string{text->data(), text->size()});
    }
  }
  return SubjectAsker{[url = *std::move(url), headers, format = std::move(format)](net::Routes routes) {
    return subject_of_url(url, headers, format, routes);
  }};
}

Result<SubjectAsker> subject_of(const boost::json::object& source, const std::string& audience,
                                const TokenSettings& settings) {
  const auto environment = member_text(source, "environment_id");
  if (environment == "aws1" && settings.aws) {
    return SubjectAsker{[aws = settings.aws, audience](net::Routes routes) { return aws(routes, audience); }};
  }
  if (!environment.empty()) return bad_external("\"environment_id\" '" + printable(environment) + "' is not supported");
  auto format = format_of(source);
  if (!format) return fail(std::move(format).error());
  if (auto path = member_text(source, "file"); !path.empty()) {
    return SubjectAsker{
        [path = std::move(path), format = *std::move(format)](net::Routes) { return subject_of_file(path, format); }};
  }
  if (source.contains("url")) return subject_by_url(source, *std::move(format));
  return bad_external("\"credential_source\" must name a file, a url, or environment_id aws1");
}

Result<std::uint64_t> life_of(const boost::json::object& file) {
  constexpr std::uint64_t kLifeMin = 600, kLifeMax = 43'200, kLifeDefault = 3'600;
  const auto* given = member_object(file, "service_account_impersonation");
  const auto* value = given ? given->if_contains("token_lifetime_seconds") : nullptr;
  if (!value) return kLifeDefault;
  boost::system::error_code bad;
  const auto seconds = value->to_number<std::uint64_t>(bad);
  if (bad || seconds < kLifeMin || seconds > kLifeMax)
    return bad_external("\"token_lifetime_seconds\" is not 600 to 43200");
  return seconds;
}

}  // namespace

Result<std::shared_ptr<TokenSource>> external_source(std::string_view json, TokenSettings settings) {
  boost::system::error_code bad;
  const auto document = boost::json::parse(boost::json::string_view{json.data(), json.size()}, bad);
  const auto* file = bad ? nullptr : document.if_object();
  const auto* source = file ? member_object(*file, "credential_source") : nullptr;
  if (!source) return bad_external("\"credential_source\" is missing");
  ExternalSource::Terms terms{member_text(*file, "audience"), member_text(*file, "subject_token_type"), settings.scope};
  if (terms.audience.empty()) return bad_external("\"audience\" is missing");
  if (terms.subject_type.empty()) return bad_external("\"subject_token_type\" is missing");
  auto url = google_url(member_text(*file, "token_url"), "token_url", settings.origin_allowed);
  if (!url) return fail(std::move(url).error());
  auto subject = subject_of(*source, terms.audience, settings);
  if (!subject) return fail(std::move(subject).error());

  const auto act = member_text(*file, "service_account_impersonation_url");
  if (act.empty()) return std::make_shared<ExternalSource>(std::move(terms), *std::move(url), *std::move(subject));
  terms.scope = kCloudScope;
  auto act_url = google_url(act, "service_account_impersonation_url", settings.origin_allowed);
  if (!act_url) return fail(std::move(act_url).error());
  const auto life = life_of(*file);
  if (!life) return fail(life.error());
  auto who = std::make_shared<ExternalSource>(std::move(terms), *std::move(url), *std::move(subject));
  return acting_as(std::move(who), *std::move(act_url), "[]", *life, std::move(settings));
}

}  // namespace ferry::gcs
