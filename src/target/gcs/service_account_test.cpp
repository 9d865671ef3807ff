#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "kit/async/task_group.hpp"
#include "target/gcs/room_test.hpp"
#include "target/gcs/token_sources.hpp"

namespace ferry::gcs {
namespace {

using ferry::testing::FakeHttp;
using ferry::testing::FakeReply;
using ferry::testing::FakeRequest;
using std::chrono::seconds;

EVP_PKEY* test_key() {
  static const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_RSA_gen(2048), &EVP_PKEY_free};
  return key.get();
}

std::string pem_of(EVP_PKEY* key) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out{BIO_new(BIO_s_mem()), &BIO_free};
  PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

boost::json::object key_file() {
  return {{"type", "service_account"},
          {"client_email", "mover@project.iam.gserviceaccount.com"},
          {"private_key", pem_of(test_key())},
          {"private_key_id", "0123abcd"},
          {"token_uri", "https://oauth2.googleapis.com/token"}};
}

std::string from_base64url(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  text.append((4 - text.size() % 4) % 4, '=');
  return from_base64(text).value();
}

/// A token endpoint that numbers its tokens, and an account that uses it.
struct Account {
  Account() {
    http.on_request([this](const FakeRequest& request) {
      requests.push_back(request);
      if (fault) {
        if (auto reply = fault()) return *std::move(reply);
      }
      return token_reply("token-" + std::to_string(++issued), life);
    });
    provider = make(key_file()).value();
  }

  Result<std::shared_ptr<TokenProvider>> make(const boost::json::object& key,
                                              std::optional<net::Origin> allowed = std::nullopt) {
    TokenSettings settings;
    settings.scope = "scope-1";
    settings.origin_allowed = std::move(allowed);
    settings.clock = &clock;
    auto source = file_source(boost::json::serialize(key), settings);
    if (!source) return fail(std::move(source).error());
    return SharedTokens{*std::move(source), &clock, &rng}.provider({&http, &http});
  }

  static FakeReply token_reply(const std::string& token, seconds life) {
    return FakeReply{200,
                     {},
                     boost::json::serialize(boost::json::object{
                         {"access_token", token}, {"expires_in", life.count()}, {"token_type", "Bearer"}})};
  }

  Result<std::optional<std::string>> token() { return ferry::testing::run(context, provider->token(), &clock); }

  asio::io_context context{1};
  ferry::testing::SimulatedClock clock;
  ferry::testing::SeededRng rng;
  FakeHttp http;
  std::function<std::optional<FakeReply>()> fault;
  std::vector<FakeRequest> requests;
  seconds life{3600};
  int issued = 0;
  std::shared_ptr<TokenProvider> provider;
};

TEST(GcsServiceAccount, ExchangesASignedAssertionForAToken) {
  Account account;
  EXPECT_EQ(account.token().value(), "token-1");
  ASSERT_EQ(account.requests.size(), 1);
  const auto& request = account.requests[0];
  EXPECT_TRUE(request.origin.tls);
  EXPECT_EQ(request.origin.host, "oauth2.googleapis.com");
  EXPECT_EQ(request.head.target, "/token");
  EXPECT_EQ(request.header("Content-Type"), "application/x-www-form-urlencoded");
  const std::string start = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
  ASSERT_TRUE(request.body.starts_with(start));
  const auto jwt = request.body.substr(start.size());
  const auto first = jwt.find('.');
  const auto second = jwt.find('.', first + 1);
  const auto header = boost::json::parse(from_base64url(jwt.substr(0, first))).as_object();
  EXPECT_EQ(header.at("alg").as_string(), "RS256");
  EXPECT_EQ(header.at("kid").as_string(), "0123abcd");
  const auto claims = boost::json::parse(from_base64url(jwt.substr(first + 1, second - first - 1))).as_object();
  EXPECT_EQ(claims.at("iss").as_string(), "mover@project.iam.gserviceaccount.com");
  EXPECT_EQ(claims.at("scope").as_string(), "scope-1");
  EXPECT_EQ(claims.at("aud").as_string(), "https://oauth2.googleapis.com/token");
  EXPECT_EQ(claims.at("exp").as_int64() - claims.at("iat").as_int64(), 3600);
  const auto signature = from_base64url(jwt.substr(second + 1));
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
  ASSERT_EQ(EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, test_key()), 1);
  EXPECT_EQ(EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                             reinterpret_cast<const unsigned char*>(jwt.data()), second),
            1);
}

TEST(GcsServiceAccount, RefreshesAheadOfExpiryAndNotBefore_F137) {
  Account account;
  EXPECT_EQ(account.token().value(), "token-1");
  account.clock.advance(seconds{3600 - 226});
  EXPECT_EQ(account.token().value(), "token-1");
  account.clock.advance(seconds{2});
  EXPECT_EQ(account.token().value(), "token-2");
}

TEST(GcsServiceAccount, ShortLivedTokensAreNotAskedForOnEveryRequest_F137) {
  Account account;
  account.life = seconds{2};
  for (int i = 0; i < 100; ++i) EXPECT_EQ(account.token().value(), "token-1");
  account.clock.advance(Milliseconds{1600});
  EXPECT_EQ(account.token().value(), "token-2");
}

Task<> take_token(std::shared_ptr<TokenProvider> provider, std::vector<std::string>* tokens) {
  auto token = co_await provider->token();
  tokens->push_back(token && *token ? **token : std::string{"none"});
}

TEST(GcsServiceAccount, ManyWhoWaitShareOneRefresh_F138) {
  Account account;
  TaskGroup group{account.context.get_executor()};
  std::vector<std::string> tokens;
  for (int i = 0; i < 50; ++i) group.spawn(take_token(account.provider, &tokens));
  ferry::testing::run(account.context, group.join(), &account.clock);
  EXPECT_EQ(tokens, std::vector<std::string>(50, "token-1"));
  EXPECT_EQ(account.requests.size(), 1);
}

TEST(GcsServiceAccount, ManyWhoWaitShareOneFailure_F138) {
  Account account;
  account.fault = [] { return FakeReply{503}; };
  TaskGroup group{account.context.get_executor()};
  std::vector<std::string> tokens;
  for (int i = 0; i < 50; ++i) group.spawn(take_token(account.provider, &tokens));
  ferry::testing::run(account.context, group.join(), &account.clock);
  EXPECT_EQ(tokens, std::vector<std::string>(50, "none"));
  EXPECT_EQ(account.requests.size(), static_cast<std::size_t>(Backoff{}.attempts_max));
}

TEST(GcsServiceAccount, CancelledRefreshIsTakenOverByOneWhoWaits_F138) {
  Account account;
  account.fault = [] { return FakeReply{503}; };
  TaskGroup first{account.context.get_executor()};
  TaskGroup second{account.context.get_executor()};
  std::vector<std::string> tokens;
  first.spawn(take_token(account.provider, &tokens));
  account.context.poll();  // it sleeps before its next try by now
  account.context.restart();
  for (int i = 0; i < 3; ++i) second.spawn(take_token(account.provider, &tokens));
  account.context.poll();
  account.context.restart();
  account.fault = nullptr;
  first.cancel();
  ferry::testing::run(account.context, first.join(), &account.clock);
  ferry::testing::run(account.context, second.join(), &account.clock);
  EXPECT_EQ(tokens, std::vector<std::string>(3, "token-1"));
  EXPECT_EQ(account.issued, 1);
}

TEST(GcsServiceAccount, OldTokenServesWhileItIsValidAndTheEndpointFails_F138) {
  Account account;
  EXPECT_EQ(account.token().value(), "token-1");
  account.clock.advance(seconds{3600 - 100});
  account.fault = [] { return FakeReply{200, {}, "<html>garbage"}; };
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(account.token().value(), "token-1");
  EXPECT_LE(account.requests.size(), 3) << "failed refreshes wait before the next one";
  account.clock.advance(seconds{100});
  EXPECT_EQ(account.token().error().kind, ErrorKind::kUnavailable);
  account.fault = nullptr;
  EXPECT_EQ(account.token().value(), "token-2");
}

TEST(GcsServiceAccount, RefusalIsDeniedAndNamesTheEndpointButNoSecret_F138) {
  Account account;
  account.fault = [] {
    return FakeReply{400, {}, R"({"error":"invalid_grant","error_description":"Invalid JWT Signature."})"};
  };
  const auto error = account.token().error();
  EXPECT_EQ(error.kind, ErrorKind::kDenied);
  EXPECT_NE(error.what.find("https://oauth2.googleapis.com"), std::string::npos) << error.what;
  EXPECT_NE(error.what.find("invalid_grant"), std::string::npos) << error.what;
  EXPECT_EQ(error.what.find("assertion"), std::string::npos) << error.what;
  EXPECT_EQ(account.requests.size(), 1);
}

TEST(GcsServiceAccount, TokenServerMustBeGooglesOrExplicitlyAllowed_F144) {
  Account account;
  for (const auto* uri :
       {"https://evil.example/token", "http://oauth2.googleapis.com/token", "https://oauth2.googleapis.com:444/token",
        "https://oauth2.googleapis.com.evil.example/token", "https://oauth2.googleapis.com@evil.example/token",
        "oauth2.googleapis.com/token", "https://oauth2.googleapis.com/token?x=1", "", "file:///etc/passwd"}) {
    auto key = key_file();
    key["token_uri"] = uri;
    const auto made = account.make(key);
    ASSERT_FALSE(made) << uri;
    EXPECT_EQ(made.error().kind, ErrorKind::kInvalid);
    EXPECT_NE(made.error().what.find("token_uri"), std::string::npos) << made.error().what;
  }
  for (const auto* uri : {"https://oauth2.googleapis.com/token", "https://www.googleapis.com/oauth2/v4/token",
                          "https://accounts.google.com/o/oauth2/token"}) {
    auto key = key_file();
    key["token_uri"] = uri;
    EXPECT_TRUE(account.make(key)) << uri;
  }
  auto key = key_file();
  key["token_uri"] = "http://127.0.0.1:9000/token";
  EXPECT_FALSE(account.make(key));
  EXPECT_TRUE(account.make(key, net::Origin::parse("http://127.0.0.1:9000").value()));
  EXPECT_FALSE(account.make(key, net::Origin::parse("http://127.0.0.1:9001").value()));
  EXPECT_TRUE(account.requests.empty());
}

TEST(GcsServiceAccount, BrokenKeysNameTheFieldAndNeverItsValue) {
  Account account;
  const auto what_of = [&account](const char* field, boost::json::value value) {
    auto key = key_file();
    key[field] = std::move(value);
    const auto made = account.make(key);
    EXPECT_FALSE(made) << field;
    EXPECT_EQ(made.error().kind, ErrorKind::kInvalid);
    EXPECT_NE(made.error().what.find(field), std::string::npos) << made.error().what;
    EXPECT_EQ(made.error().what.find("hunter2"), std::string::npos) << made.error().what;
  };
  what_of("type", "gdch_service_account");
  what_of("client_email", nullptr);
  what_of("client_email", "");
  what_of("private_key", 7);
  what_of("private_key", "hunter2");
  what_of("private_key", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n");
  EXPECT_EQ(file_source("not JSON", {}).error().kind, ErrorKind::kInvalid);
}

// ---- how the bucket's requests use it

struct Tokens final : TokenProvider {
  Task<Result<std::optional<std::string>>> token() override {
    if (!current) current = "token-" + std::to_string(++issued);
    co_return current;
  }
  void refused(const std::string& token) override {
    if (current == token) current.reset();
    ++invalidated;
  }
  std::string describe() const override { return "test"; }
  std::optional<std::string> current;
  int issued = 0;
  int invalidated = 0;
};

struct Guarded {
  std::shared_ptr<Tokens> tokens = std::make_shared<Tokens>();
  Room room{tokens};
  std::string good = "Bearer token-1";

  Guarded() {
    room.fault = [this](const FakeRequest& request) -> std::optional<FakeReply> {
      if (request.header("Authorization") == good) return std::nullopt;
      return FakeBucket::error(401, "authError", "Invalid Credentials");
    };
  }
};

TEST(GcsTokens, RefusedTokenIsReplacedOnceAndTheRequestRepeated_F137) {
  Guarded guarded;
  guarded.good = "Bearer token-2";
  ASSERT_TRUE(guarded.room.send(Room::spec("a", 1), "x"));
  EXPECT_EQ(guarded.room.http.requests().size(), 2);
  guarded.good = "Bearer never";
  EXPECT_EQ(guarded.room.run(guarded.room.target->stat(ObjectKey{"a"})).error().kind, ErrorKind::kDenied);
  EXPECT_EQ(guarded.room.http.requests().size(), 4);
}

TEST(GcsTokens, SessionGoesOnAfterItsTokenExpired_F137) {
  Guarded guarded;
  const std::uint64_t size = 5 * kGranuleBytes + 1;
  const auto bytes = Room::content_of(size);
  const auto upload = guarded.room.begin(Room::spec("a", size));
  ASSERT_TRUE(guarded.room.write(upload.get(), bytes, 2 * kGranuleBytes));
  guarded.good = "Bearer token-2";
  EXPECT_EQ(guarded.room.write(upload.get(), bytes, upload->tail_begin()).error().kind, ErrorKind::kUnavailable);
  ASSERT_TRUE(guarded.room.run(upload->recover()));
  EXPECT_EQ(upload->offset(), 2 * kGranuleBytes);
  ASSERT_TRUE(guarded.room.write(upload.get(), bytes, upload->tail_begin()));
  guarded.good = "Bearer token-3";
  ASSERT_TRUE(guarded.room.commit(upload.get(), bytes));
  EXPECT_EQ(guarded.room.bucket.sessions.size(), 1);
}

TEST(GcsTokens, StreamStartsAgainWithANewToken_F137) {
  Guarded guarded;
  guarded.good = "Bearer token-2";
  const std::uint64_t size = 3 * kGranuleBytes + 1;
  const auto bytes = Room::content_of(size);
  auto what = Room::spec("a", size);
  what.hash = Digest{HashKind::kCrc32c, big_endian(crc32c(0, bytes))};
  guarded.room.http.on_head([&](const FakeRequest& request) -> std::optional<FakeReply> {
    if (request.header("Authorization") == guarded.good) return std::nullopt;
    return FakeReply{401}.early_after(10);
  });
  ASSERT_TRUE(guarded.room.send(what, bytes));
  EXPECT_EQ(guarded.tokens->invalidated, 1);
}

TEST(GcsTokens, NoTokenMeansNoAuthorizationHeader) {
  Room room;
  ASSERT_TRUE(room.send(Room::spec("a", 1), "x"));
  EXPECT_FALSE(room.http.requests()[0].header("Authorization"));
}

TEST(GcsTokens, TokenFailureKeepsItsKind) {
  Account account;
  account.fault = [] { return FakeReply{401}; };
  Room room{account.provider};
  EXPECT_EQ(room.send(Room::spec("a", 1), "x").error().kind, ErrorKind::kDenied);
  EXPECT_TRUE(room.http.requests().empty()) << "nothing is sent without its token";
}

}  // namespace
}  // namespace ferry::gcs
