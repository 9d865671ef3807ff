#include <gtest/gtest.h>

#include "kit/base/gzip.hpp"
#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "sandbox/world_test.hpp"

namespace ferry::sandbox {
namespace {

std::string text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : "(none)";
}
std::string reason_of(const FakeExchange& reply) {
  return std::string(reply.json().at("error").at("errors").at(0).at("reason").as_string());
}
const std::string kObject = "/storage/v1/b/dst/o/";

TEST(Gcs, InsertsInOneRequestWithMetadata) {
  World world;
  const auto done = world.insert(
      R"({"name":"a//b/ü","contentType":"text/plain","cacheControl":"no-store","metadata":{"k":"v ü"},"md5Hash":"JfnnlDI7RTiF9RgfG2JNCw==","crc32c":"4waSgw=="})",
      "123456789");
  ASSERT_EQ(done->status, 200) << done->body;
  const auto resource = done->json();
  EXPECT_EQ(text_of(resource, "name"), "a//b/ü");
  EXPECT_EQ(text_of(resource, "size"), "9");
  EXPECT_EQ(text_of(resource, "crc32c"), "4waSgw==");
  EXPECT_EQ(text_of(resource, "md5Hash"), "JfnnlDI7RTiF9RgfG2JNCw==");
  EXPECT_EQ(text_of(resource, "metageneration"), "1");
  const auto got = world.gcs("GET", kObject + "a%2F%2Fb%2F%C3%BC?alt=media");
  EXPECT_EQ(got->body, "123456789");
  EXPECT_EQ(got->header("x-goog-hash"), "crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw==");
  EXPECT_EQ(got->header("Cache-Control"), "no-store");
  EXPECT_EQ(world.gcs("GET", kObject + "a%2F%2Fb%2F%C3%BC")->json().at("metadata").at("k"), "v ü");
}

TEST(Gcs, RefusesBytesThatAreNotThoseDeclared) {
  World world;
  EXPECT_EQ(reason_of(*world.insert(R"({"name":"k","crc32c":"AAAAAA=="})", "123456789")), "invalid");
  EXPECT_EQ(world.insert(R"({"name":"k","md5Hash":"AAAAAAAAAAAAAAAAAAAAAA=="})", "123456789")->status, 400);
  EXPECT_EQ(world.gcs("GET", kObject + "k")->status, 404) << "nothing became visible";
}

TEST(Gcs, GenerationPreconditionsHoldEverywhere) {
  World world;
  ASSERT_EQ(world.insert(R"({"name":"k"})", "one", "&ifGenerationMatch=0")->status, 200);
  const auto again = world.insert(R"({"name":"k"})", "two", "&ifGenerationMatch=0");
  EXPECT_EQ(again->status, 412);
  EXPECT_EQ(reason_of(*again), "conditionNotMet");
  const auto generation = text_of(world.gcs("GET", kObject + "k")->json(), "generation");
  EXPECT_EQ(world.gcs("GET", kObject + "k?ifGenerationNotMatch=" + generation)->status, 304);
  EXPECT_EQ(world.gcs("GET", kObject + "k?ifGenerationMatch=1")->status, 412);
  EXPECT_EQ(world.gcs("GET", kObject + "k?generation=1")->status, 404);
  EXPECT_EQ(world.gcs("DELETE", kObject + "k?ifGenerationMatch=1")->status, 412);
  EXPECT_EQ(world.gcs("PATCH", kObject + "k?ifMetagenerationMatch=7", {}, "{}")->status, 412);
  EXPECT_EQ(world.insert(R"({"name":"k"})", "two", "&ifGenerationMatch=" + generation)->status, 200);
  EXPECT_EQ(world.insert(R"({"name":"k"})", "x", "&ifGenerationMatch=abc")->status, 400);
}

TEST(Gcs, RefusesNamesThatItCannotHold) {
  World world;
  for (const auto* name : {"", ".", "..", "a\\nb", "a\\rb", ".well-known/acme-challenge/x", "\\uffff"}) {
    EXPECT_EQ(world.insert(std::string(R"({"name":")") + name + "\"}", "x")->status, 400) << name;
  }
  EXPECT_EQ(world.insert("{\"name\":\"" + std::string(1025, 'k') + "\"}", "x")->status, 400);
  EXPECT_EQ(world.insert("{\"name\":\"" + std::string(1024, 'k') + "\"}", "x")->status, 200);
  EXPECT_EQ(world.gcs("POST", "/upload/storage/v1/b/dst/o?uploadType=media&name=%ff", {}, "x")->status, 400);
}

TEST(Gcs, LimitsMetadata) {
  World world;
  const auto with = [](std::size_t count, std::size_t size) {
    std::string json = R"({"name":"k","metadata":{)";
    for (std::size_t i = 0; i < count; ++i)
      json += (i ? ",\"" : "\"") + std::to_string(100 + i) + "\":\"" + std::string(size, 'v') + "\"";
    return json + "}}";
  };
  EXPECT_EQ(world.insert(with(2, 4093), "x")->status, 200);
  EXPECT_EQ(world.insert(with(2, 4094), "x")->status, 400) << "8 KiB in all";
  EXPECT_EQ(world.insert(with(1, 4097), "x")->status, 400) << "4 KiB per value";
  EXPECT_EQ(world.insert(R"({"name":"k","contentType":"tëxt"})", "x")->status, 400);
}

TEST(Gcs, KeepsClassTimeAndContextsWithinTheirRules) {
  World world;
  const auto done = world.insert(
      R"({"name":"k","storageClass":"NEARLINE","customTime":"2026-01-02T03:04:05Z","contexts":{"custom":{"a":{"value":"b c"}}}})",
      "x");
  ASSERT_EQ(done->status, 200) << done->body;
  const auto resource = world.gcs("GET", kObject + "k")->json();
  EXPECT_EQ(text_of(resource, "storageClass"), "NEARLINE");
  EXPECT_EQ(text_of(resource, "customTime"), "2026-01-02T03:04:05Z");
  EXPECT_EQ(resource.at("contexts").at("custom").at("a").at("value"), "b c");
  EXPECT_EQ(world.insert(R"({"name":"k","storageClass":"STANDARD_IA"})", "x")->status, 400);
  for (const auto* pair : {R"("a/b":{"value":"x"})", R"("a":{"value":""})", R"("a":{"value":"it's"})",
                           R"("googa":{"value":"x"})", R"("a":"x")", R"("-a":{"value":"x"})"}) {
    EXPECT_EQ(world.insert(std::string(R"({"name":"k","contexts":{"custom":{)") + pair + "}}}", "x")->status, 400)
        << pair;
  }
}

TEST(Gcs, TakesAMediaPartWithoutHeadersAsRcloneSendsIt) {
  World world;
  const std::string body = "--B\r\nContent-Type: application/json\r\n\r\n{\"name\":\"k\"}\r\n--B\r\n\r\nbytes\r\n--B--";
  ASSERT_EQ(world
                .gcs("POST", "/upload/storage/v1/b/dst/o?uploadType=multipart",
                     {{"Content-Type", "multipart/related; boundary=\"B\""}}, body)
                ->status,
            200);
  EXPECT_EQ(world.gcs("GET", kObject + "k?alt=media")->body, "bytes");
}

TEST(Gcs, RefusesMalformedMultipartBodies) {
  World world;
  const auto send = [&](const std::string& type, const std::string& body) {
    return world.gcs("POST", "/upload/storage/v1/b/dst/o?uploadType=multipart", {{"Content-Type", type}}, body)->status;
  };
  const std::string start =
      "--B\r\nContent-Type: application/json\r\n\r\n{\"name\":\"k\",\"contentType\":\"a/b\"}\r\n--B\r\nContent-Type: ";
  EXPECT_EQ(send("multipart/related; boundary=B", start + "a/b\r\n\r\nbytes\r\n--B--\r\n"), 200);
  EXPECT_EQ(send("multipart/related; boundary=B", start + "other/type\r\n\r\nbytes\r\n--B--\r\n"), 400);
  EXPECT_EQ(send("multipart/related; boundary=B", start + "a/b\r\n\r\nbytes"), 400) << "cut off";
  EXPECT_EQ(send("multipart/related; boundary=C", start + "a/b\r\n\r\nbytes\r\n--B--\r\n"), 400);
  EXPECT_EQ(send("application/json", start), 400);
}

TEST(Gcs, StreamsALargeMultipartBodyExactly) {
  World world;
  std::string bytes(3 * kQuantum + 77, 'x');
  bytes += "\r\n--B";  // looks like the delimiter, is not
  bytes += std::string(500, 'y');
  ASSERT_EQ(world.insert(R"({"name":"k"})", bytes)->status, 200);
  EXPECT_EQ(world.gcs("GET", kObject + "k?alt=media")->body, bytes);
}

TEST(Gcs, RefusesTransportCompression) {
  World world;
  EXPECT_EQ(
      world.gcs("POST", "/upload/storage/v1/b/dst/o?uploadType=media&name=k", {{"Content-Encoding", "gzip"}}, "x")
          ->status,
      400);
}

TEST(GcsSession, UploadsInChunksOf256KiB) {
  World world;
  const std::string chunk(kQuantum, 'a');
  const auto uri = world.session("&name=k", "", {{"X-Upload-Content-Length", std::to_string(kQuantum + 5)}});
  const auto total = std::to_string(kQuantum + 5);
  const auto none = world.put(uri, "bytes */" + total);
  EXPECT_EQ(none->status, 308);
  EXPECT_EQ(none->header("Range"), "(none)");
  const auto first = world.put(uri, "bytes 0-262143/" + total, chunk);
  EXPECT_EQ(first->status, 308);
  EXPECT_EQ(first->header("Range"), "bytes=0-262143");
  EXPECT_EQ(world.gcs("GET", kObject + "k")->status, 404) << "not visible before the end";
  const auto last = world.put(uri, "bytes 262144-262148/" + total, "tail!");
  ASSERT_EQ(last->status, 200) << last->body;
  EXPECT_EQ(text_of(last->json(), "size"), total);
  EXPECT_EQ(world.gcs("GET", kObject + "k?alt=media")->body, chunk + "tail!");
  EXPECT_EQ(world.put(uri, "bytes */" + total)->status, 200) << "a finished session answers with the object";
}

TEST(GcsSession, InsistsOnItsRules) {
  World world;
  const auto uri = world.session("&name=k", "", {{"X-Upload-Content-Length", "600000"}});
  EXPECT_EQ(world.put(uri, "bytes 0-99999/600000", std::string(100'000, 'a'))->status, 400)
      << "not a multiple of 256 KiB";
  EXPECT_EQ(world.put(uri, "bytes 262144-524287/600000", std::string(kQuantum, 'a'))->status, 400) << "a gap";
  EXPECT_EQ(world.put(uri, "bytes 0-262143/700000", std::string(kQuantum, 'a'))->status, 400)
      << "another total than announced";
  EXPECT_EQ(world.put(uri, "bytes 0-262143/600000", std::string(100, 'a'))->status, 400)
      << "fewer bytes than the range says";
  EXPECT_EQ(world.put(uri, "bytes 5-3/600000", "")->status, 400);
  EXPECT_EQ(world.put(uri, "octets 0-1/2", "ab")->status, 400);
  EXPECT_EQ(world.put(uri, "bytes */*")->status, 308) << "the session still lives, empty";
}

TEST(GcsSession, KeepsWholeQuantaOfABrokenChunk) {
  World world;
  const auto uri = world.session();
  const auto size = 3 * kQuantum;
  auto exchange = std::make_unique<FakeExchange>("PUT", uri, net::Headers{{"Content-Range", "bytes 0-786431/*"}},
                                                 std::string(size, 'a'));
  exchange->break_after(kQuantum * 2 + 100);
  world.send(world.sandbox->gcs(), std::move(exchange));
  EXPECT_EQ(world.put(uri, "bytes */*")->header("Range"), "bytes=0-524287");
  const auto rest = world.put(uri, "bytes 524288-786432/786433", std::string(kQuantum, 'a') + "b");
  EXPECT_EQ(rest->status, 200) << rest->body;
}

TEST(GcsSession, PassesOverBytesThatItHasWithoutComparing) {
  World world;
  const auto uri = world.session();
  ASSERT_EQ(world.put(uri, "bytes 0-262143/*", std::string(kQuantum, 'a'))->status, 308);
  ASSERT_EQ(world.put(uri, "bytes 0-262144/262145", std::string(kQuantum, 'X') + "b")->status, 200);
  EXPECT_EQ(world.gcs("GET", kObject + "k?alt=media")->body, std::string(kQuantum, 'a') + "b");
}

TEST(GcsSession, ChecksPreconditionsAtTheEndAgain) {
  World world;
  const auto uri = world.session("&name=k&ifGenerationMatch=0");
  ASSERT_EQ(world.insert(R"({"name":"k"})", "faster")->status, 200);
  EXPECT_EQ(world.put(uri, "bytes 0-3/4", "slow")->status, 412);
  EXPECT_EQ(world.gcs("GET", kObject + "k?alt=media")->body, "faster");
  EXPECT_EQ(world.put(uri, "bytes */4")->status, 410) << "a refused session is dead";
  EXPECT_EQ(world.gcs("POST", "/upload/storage/v1/b/dst/o?uploadType=resumable&name=k&ifGenerationMatch=0")->status,
            412)
      << "and at the start";
}

TEST(GcsSession, VerifiesTheHashOfTheFinalRequest) {
  World world;
  auto uri = world.session();
  EXPECT_EQ(world.put(uri, "bytes 0-8/9", "123456789", {{"X-Goog-Hash", "crc32c=AAAAAA=="}})->status, 400);
  EXPECT_EQ(world.gcs("GET", kObject + "k")->status, 404);
  uri = world.session();
  EXPECT_EQ(
      world.put(uri, "bytes 0-8/9", "123456789", {{"X-Goog-Hash", "crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw=="}})
          ->status,
      200);
  uri = world.session("&name=k", R"({"md5Hash":"AAAAAAAAAAAAAAAAAAAAAA=="})");
  EXPECT_EQ(world.put(uri, "bytes 0-8/9", "123456789")->status, 400);
}

TEST(GcsSession, EndsEmptyAndUnknownTotals) {
  World world;
  EXPECT_EQ(world.put(world.session("&name=zero"), "bytes */0")->status, 200);
  EXPECT_EQ(text_of(world.gcs("GET", kObject + "zero")->json(), "size"), "0");
  const auto uri = world.session("&name=exact");
  ASSERT_EQ(world.put(uri, "bytes 0-262143/*", std::string(kQuantum, 'a'))->status, 308);
  EXPECT_EQ(world.put(uri, "bytes */262144")->status, 200);
  EXPECT_EQ(world.put(world.session("&name=stream"), "bytes 0-*/*", "to the end")->status, 200);
  EXPECT_EQ(world.gcs("PUT", world.session("&name=plain"), {}, "no range")->status, 200);
  EXPECT_EQ(world.gcs("GET", kObject + "plain?alt=media")->body, "no range");
}

TEST(GcsSession, EndsOnlyWithAsManyBytesAsTheTotalSays) {
  World world;
  const auto uri = world.session();
  const std::string quantum(kQuantum, 'a');
  EXPECT_EQ(world.put(uri, "bytes 0-*/524289", quantum)->status, 308) << "the body ended before the total";
  EXPECT_EQ(world.put(uri, "bytes 0-99/100", std::string(100, 'a'))->status, 400) << "more is stored already";
  EXPECT_EQ(world.gcs("GET", kObject + "k")->status, 404);
  EXPECT_EQ(world.put(uri, "bytes 262144-524288/524289", quantum + "b")->status, 200);
}

TEST(GcsSession, CancelsAndForgets) {
  World world;
  const auto uri = world.session();
  EXPECT_EQ(world.sandbox->gcs_store().session_counts().open, 1u);
  EXPECT_EQ(world.gcs("DELETE", uri)->status, 499);
  EXPECT_EQ(world.gcs("GET", "/_sandbox/sessions")->body, R"({"open":0,"finished":0,"dead":1})");
  EXPECT_EQ(world.put(uri, "bytes */*")->status, 410);
  EXPECT_EQ(world.put("/upload/storage/v1/b/dst/o?uploadType=resumable&upload_id=unknown", "bytes */*")->status, 404);
  EXPECT_EQ(world.gcs("PUT", uri, {{"X-GUploader-No-308", "yes"}, {"Content-Range", "bytes */*"}})->status, 410);
}

TEST(Gcs, ListsByPrefixOffsetsDelimiterAndPages) {
  World world;
  for (const auto* name : {"a", "b/1", "b/2", "c", "d"})
    ASSERT_EQ(world.insert(std::string("{\"name\":\"") + name + "\"}", "x")->status, 200);
  const auto names = [&](const std::string& query) {
    std::string text;
    const auto listed = world.gcs("GET", "/storage/v1/b/dst/o?" + query)->json();
    if (const auto* items = listed.if_contains("items")) {
      for (const auto& item : items->as_array()) text += std::string(item.at("name").as_string()) + " ";
    }
    return text;
  };
  EXPECT_EQ(names(""), "a b/1 b/2 c d ");
  EXPECT_EQ(names("prefix=b%2F"), "b/1 b/2 ");
  EXPECT_EQ(names("delimiter=%2F"), "a c d ");
  EXPECT_EQ(names("startOffset=b%2F2&endOffset=d"), "b/2 c ");
  const auto page = world.gcs("GET", "/storage/v1/b/dst/o?maxResults=2&fields=items(name),nextPageToken")->json();
  EXPECT_EQ(boost::json::serialize(page.at("items")), R"([{"name":"a"},{"name":"b/1"}])");
  EXPECT_EQ(names("maxResults=2&pageToken=" + percent_encode(text_of(page, "nextPageToken"))), "b/2 c ");
  EXPECT_EQ(world.gcs("GET", "/storage/v1/b/dst/o?pageToken=forged")->status, 400);
  EXPECT_EQ(world.gcs("GET", "/storage/v1/b/missing/o")->status, 404);
}

TEST(Gcs, ComposesUpTo32Sources) {
  World world;
  ASSERT_EQ(world.insert(R"({"name":"1"})", "1234")->status, 200);
  ASSERT_EQ(world.insert(R"({"name":"2"})", "56789")->status, 200);
  const auto compose = [&](const std::string& sources) {
    return world.gcs("POST", kObject + "whole/compose", {},
                     R"({"sourceObjects":[)" + sources + R"(],"destination":{"metadata":{"m":"x"}}})");
  };
  const auto done = compose(R"({"name":"1"},{"name":"2"})");
  ASSERT_EQ(done->status, 200) << done->body;
  EXPECT_EQ(text_of(done->json(), "crc32c"), "4waSgw==");
  EXPECT_EQ(text_of(done->json(), "md5Hash"), "(none)") << "composite objects have no MD5";
  EXPECT_EQ(done->json().at("componentCount"), 2);
  EXPECT_EQ(world.gcs("GET", kObject + "whole?alt=media")->body, "123456789");
  EXPECT_EQ(compose(R"({"name":"1","objectPreconditions":{"ifGenerationMatch":"1"}})")->status, 412);
  EXPECT_EQ(compose(R"({"name":"missing"})")->status, 404);
  std::string many = R"({"name":"1"})";
  for (int i = 0; i < 32; ++i) many += R"(,{"name":"1"})";
  EXPECT_EQ(compose(many)->status, 400);
}

TEST(Gcs, PatchesAndCopies) {
  World world;
  ASSERT_EQ(world.insert(R"({"name":"k","metadata":{"a":"1","b":"2"}})", "bytes")->status, 200);
  const auto patched =
      world.gcs("PATCH", kObject + "k", {}, R"({"metadata":{"a":null,"c":"3"},"cacheControl":"no-store"})")->json();
  EXPECT_EQ(boost::json::serialize(patched.at("metadata")), R"({"b":"2","c":"3"})");
  EXPECT_EQ(text_of(patched, "metageneration"), "2");
  const auto copied = world.gcs("POST", kObject + "k/rewriteTo/b/dst/o/x%2Fy")->json();
  EXPECT_EQ(copied.at("done"), true);
  EXPECT_EQ(world.gcs("GET", kObject + "x%2Fy?alt=media")->body, "bytes");
  EXPECT_EQ(world.gcs("DELETE", kObject + "k")->status, 204);
  EXPECT_EQ(world.gcs("DELETE", kObject + "k")->status, 404);
}

TEST(Gcs, UnpacksGzipForWhoDoesNotTakeIt) {
  World world;
  const std::string plain(1000, 'p');
  const auto packed = gzip(plain);
  ASSERT_EQ(world.insert(R"({"name":"k","contentEncoding":"gzip"})", packed)->status, 200);
  const auto unpacked = world.gcs("GET", kObject + "k?alt=media", {{"Range", "bytes=0-3"}});
  EXPECT_EQ(unpacked->body, plain) << "the whole object: ranges are ignored";
  EXPECT_EQ(unpacked->length, std::nullopt);
  EXPECT_EQ(world.gcs("GET", kObject + "k?alt=media", {{"Accept-Encoding", "gzip"}})->body, packed);
}

TEST(Gcs, ServesTheXmlApiForSingleObjects) {
  World world;
  ASSERT_EQ(
      world.gcs("PUT", "/dst/a/b", {{"x-goog-meta-k", "v"}, {"Content-MD5", "JfnnlDI7RTiF9RgfG2JNCw=="}}, "123456789")
          ->status,
      200);
  EXPECT_EQ(world.gcs("GET", "/dst/a/b")->header("x-goog-meta-k"), "v");
  EXPECT_EQ(world.gcs("PUT", "/dst/a/b", {{"x-goog-if-generation-match", "0"}}, "x")->status, 412);
  EXPECT_EQ(world.gcs("PUT", "/dst/c", {{"Content-MD5", "JfnnlDI7RTiF9RgfG2JNCw=="}}, "other")->xml("Code"),
            "BadDigest");
}

TEST(Gcs, LimitsMutationsOfOneObject) {
  Settings settings;
  settings.limit_mutations = true;
  World world(settings);
  ASSERT_EQ(world.insert(R"({"name":"k"})", "1")->status, 200);
  const auto refused = world.insert(R"({"name":"k"})", "2");
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(reason_of(*refused), "rateLimitExceeded");
  world.clock.advance(std::chrono::seconds{1});
  EXPECT_EQ(world.insert(R"({"name":"k"})", "3")->status, 200);
}

struct Tokens {
  Tokens()
      : world([] {
          Settings settings;
          settings.gcs.check_tokens = true;
          settings.token_life = std::chrono::seconds{60};
          return settings;
        }()) {}
  static std::string url64(std::string text) {
    text = base64(text);
    for (auto& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
    while (text.ends_with('=')) text.pop_back();
    return text;
  }
  std::string jwt(const std::string& audience, std::int64_t life,
                  const std::string& scope = "https://www.googleapis.com/auth/devstorage.read_write") {
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(world.clock.wall().time_since_epoch()).count();
    const auto& account = world.sandbox->account();
    const auto text = url64(R"({"alg":"RS256","typ":"JWT","kid":")" + account.key_id() + "\"}") + "." +
                      url64(R"({"iss":")" + account.email() + R"(","aud":")" + audience + R"(","scope":")" + scope +
                            R"(","iat":)" + std::to_string(now) + ",\"exp\":" + std::to_string(now + life) + "}");
    return text + "." + url64(account.sign(text));
  }
  std::unique_ptr<FakeExchange> ask(const std::string& assertion) {
    return world.send(world.sandbox->token(),
                      std::make_unique<FakeExchange>(
                          "POST", "/token", net::Headers{},
                          "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" + assertion));
  }
  World world;
};

TEST(TokenEndpoint, IssuesTokensThatExpire) {
  Tokens tokens;
  EXPECT_EQ(tokens.world.gcs("GET", "/storage/v1/b/dst")->status, 401);
  const auto reply = tokens.ask(tokens.jwt("http://token.test/token", 3600));
  ASSERT_EQ(reply->status, 200) << reply->body;
  const net::Headers bearer{{"Authorization", "Bearer " + text_of(reply->json(), "access_token")}};
  EXPECT_EQ(tokens.world.gcs("GET", "/storage/v1/b/dst", bearer)->status, 200);
  tokens.world.clock.advance(std::chrono::seconds{60});
  const auto expired = tokens.world.gcs("GET", "/storage/v1/b/dst", bearer);
  EXPECT_EQ(expired->status, 401);
  EXPECT_EQ(reason_of(*expired), "authError");
}

TEST(TokenEndpoint, RefusesEverythingThatIsNotRight) {
  Tokens tokens;
  const std::string right = "http://token.test/token";
  EXPECT_EQ(tokens.ask(tokens.jwt("http://evil.test/token", 3600))->status, 400);
  EXPECT_EQ(tokens.ask(tokens.jwt(right, 3601))->status, 400);
  EXPECT_EQ(tokens.ask(tokens.jwt(right, -1))->status, 400);
  EXPECT_EQ(tokens.ask(tokens.jwt(right, 3600, "https://www.googleapis.com/auth/pubsub"))->status, 400);
  auto forged = tokens.jwt(right, 3600);
  forged[forged.size() - 9] = forged[forged.size() - 9] == 'A' ? 'B' : 'A';
  EXPECT_EQ(text_of(tokens.ask(forged)->json(), "error"), "invalid_grant");
  EXPECT_EQ(tokens.ask("a.b")->status, 400);
}

}  // namespace
}  // namespace ferry::sandbox
