#include "admin/gate.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <cstring>
#include <set>
#include <utility>

#include "admin/api_server.hpp"
#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"

namespace ferry::admin {
namespace {

constexpr std::size_t kPasswordBytesMin = 12;
constexpr std::string_view kScheme = "basic ";
constexpr unsigned kPrefixOfOneOwner = 64;

void put(char* place, std::string_view text) {
  place[0] = static_cast<char>(text.size() >> 8);
  place[1] = static_cast<char>(text.size() & 0xff);
  std::memcpy(place + 2, text.data(), text.size());
}

std::string digest_of(CredentialBlock block) {
  const auto hash = make_hash(HashKind::kSha256);
  hash->update(block);
  OPENSSL_cleanse(block.data(), block.size());
  return hash->digest().bytes;
}

/// Long enough, and yet on every list that guessers try first.
bool is_well_known(std::string_view password) {
  static const std::set<std::string, std::less<>> kKnown{"123456789012",
                                                         "1234567890123",
                                                         "12345678901234",
                                                         "123456789123",
                                                         "administrator",
                                                         "administrator1",
                                                         "adminadminadmin",
                                                         "bucketferry1",
                                                         "bucketferry123",
                                                         "changemechangeme",
                                                         "changemenow!",
                                                         "changemeplease",
                                                         "correcthorsebatterystaple",
                                                         "defaultpassword",
                                                         "iloveyou1234",
                                                         "letmeinletmein",
                                                         "password1234",
                                                         "password12345",
                                                         "password123456",
                                                         "passwordpassword",
                                                         "qwertyuiop12",
                                                         "qwertyuiop123",
                                                         "qwertyuiopasdfgh",
                                                         "qwerty123456",
                                                         "supersecret1",
                                                         "supersecret123",
                                                         "welcome12345",
                                                         "yourpassword",
                                                         "your-password",
                                                         "yourpasswordhere",
                                                         "changeme1234",
                                                         "changeme12345",
                                                         "secretsecret",
                                                         "adminpassword",
                                                         "admin1234567",
                                                         "bucketferrybucketferry"};
  return kKnown.contains(to_lower(password));
}

bool is_plain(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

tl::unexpected<Error> name_refused(std::string_view why) {
  return fail(ErrorKind::kInvalid, "the admin user name " + std::string(why) + ": set SYSTEM_ADMIN_USERNAME");
}

tl::unexpected<Error> password_refused(std::string_view why) {
  return fail(ErrorKind::kInvalid, "the admin password " + std::string(why) +
                                       ": set SYSTEM_ADMIN_PASSWORD to at least 12 characters that nobody can guess");
}

}  // namespace

Status check_credentials(std::string_view user, std::string_view password) {
  if (user.empty()) return name_refused("is empty");
  if (user.size() > kCredentialBytesMax) return name_refused("is longer than 256 bytes");
  if (user.find(':') != std::string_view::npos)
    return name_refused("has a colon, which Basic authentication can't send");
  if (!is_plain(user)) return name_refused("has a control character");
  if (password.empty()) return password_refused("is empty");
  if (password.size() < kPasswordBytesMin) return password_refused("is too short");
  if (password.size() > kCredentialBytesMax) return password_refused("is longer than 256 bytes");
  if (!is_plain(password)) return password_refused("has a control character (a line end from a file, perhaps)");
  if (iequals(password, user)) return password_refused("is the user name again");
  if (password.find_first_not_of(password.front()) == std::string_view::npos)
    return password_refused("is one character over and over");
  if (is_well_known(password)) return password_refused("is on the lists that guessers try first");
  return Unit{};
}

CredentialBlock credential_block(std::string_view user, std::string_view password) {
  CredentialBlock block{};
  if (user.size() > kCredentialBytesMax || password.size() > kCredentialBytesMax) return block;
  put(block.data(), user);
  put(block.data() + block.size() / 2, password);
  return block;
}

std::string guess_source(const std::string& peer) {
  boost::system::error_code fault;
  const auto address = asio::ip::make_address(peer, fault);
  if (fault || address.is_v4()) return peer;
  const auto v6 = address.to_v6();
  if (v6.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_string();
  return asio::ip::make_network_v6(v6, kPrefixOfOneOwner).canonical().to_string();
}

Gate::Gate(std::string_view user, std::string_view password, Clock* clock)
    : digest_(digest_of(credential_block(user, password))), clock_(clock) {}

std::string Gate::read(std::string_view authorization) {
  if (authorization.size() < kScheme.size() || !iequals(authorization.substr(0, kScheme.size()), kScheme)) return {};
  auto pair = from_base64(trim(authorization.substr(kScheme.size())));
  if (!pair) return {};
  const auto colon = std::min(pair->find(':'), pair->size());
  const auto password = std::string_view(*pair).substr(std::min(colon + 1, pair->size()));
  auto digest = digest_of(credential_block(std::string_view(*pair).substr(0, colon), password));
  OPENSSL_cleanse(pair->data(), pair->size());
  return digest;
}

Gate::Judgement Gate::judge(std::optional<std::string_view> authorization, const std::string& peer) {
  const auto now = clock_->now();
  const auto name = guess_source(peer);
  auto source = sources_.find(name);
  if (source != sources_.end() && now - source->second.last >= kForgotten) {
    sources_.erase(source);
    source = sources_.end();
  }
  if (!authorization) return {Verdict::kNobody};
  if (source != sources_.end() && now < source->second.shut_until) {
    const auto left = std::chrono::ceil<Milliseconds>(source->second.shut_until - now);
    return {Verdict::kTooMany, left, source->second.guesses};
  }
  auto digest = read(*authorization);
  const bool right =
      digest.size() == digest_.size() && CRYPTO_memcmp(digest.data(), digest_.data(), digest_.size()) == 0;
  if (!right) return wrong(name, std::move(digest), now);
  if (source != sources_.end()) sources_.erase(source);
  return {Verdict::kWelcome};
}

Gate::Judgement Gate::wrong(const std::string& name, std::string digest, SteadyTime now) {
  if (!sources_.contains(name)) make_room();
  auto& source = sources_[name];
  source.last = now;
  if (source.guesses > 0 && std::ranges::find(source.lately, digest) != source.lately.end()) {
    return {Verdict::kWrong, kDelay, source.guesses};
  }
  source.lately[source.guesses++ % kRepeatsKnown] = std::move(digest);
  if (source.guesses >= kFreeGuesses) {
    const auto doublings = std::min(source.guesses - kFreeGuesses, 10U);
    source.shut_until = now + std::min(kShutMax, Milliseconds{1'000} * (1 << doublings));
  }
  return {Verdict::kWrong, kDelay, source.guesses};
}

void Gate::make_room() {
  if (sources_.size() < kSourcesMax) return;
  sources_.erase(std::ranges::min_element(sources_, {}, [](const auto& entry) { return entry.second.last; }));
}

}  // namespace ferry::admin
