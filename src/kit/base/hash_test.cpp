#include "kit/base/hash.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>

#include "testing/base/simulated_clock.hpp"

namespace ferry {
namespace {

constexpr std::array kAllKinds{HashKind::kMd5,       HashKind::kCrc32c, HashKind::kCrc32,
                               HashKind::kCrc64nvme, HashKind::kSha1,   HashKind::kSha256};

std::string digest_of(HashKind kind, std::string_view bytes) {
  const auto hash = make_hash(kind);
  hash->update(bytes);
  return hash->digest().bytes;
}

// Bit by bit from the definition: the reference for what the tables do sixteen bytes at a time.
std::uint64_t slow_crc64nvme(std::string_view bytes) {
  std::uint64_t crc = ~std::uint64_t{0};
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x9a6c9329ac4bc9b5ULL : 0);
  }
  return ~crc;
}

struct Vector {
  std::string_view input, md5, crc32c, crc32, crc64nvme;
};
constexpr std::array kVectors{
    Vector{"", "1B2M2Y8AsgTpgAmY7PhCfg==", "AAAAAA==", "AAAAAA==", "AAAAAAAAAAA="},
    Vector{"123456789", "JfnnlDI7RTiF9RgfG2JNCw==", "4waSgw==", "y/Q5Jg==", "rosUhgp5mIg="},
    Vector{"Hello, migration!\n", "Xi0cJRZzUnNntuLr1JX6YA==", "2egM5Q==", "O0tk/w==", "HaBDzCWTRdY="},
};

TEST(Hash, MatchesPublishedVectorsOfEveryKind) {
  for (const auto& v : kVectors) {
    EXPECT_EQ(base64(digest_of(HashKind::kMd5, v.input)), v.md5) << v.input;
    EXPECT_EQ(base64(digest_of(HashKind::kCrc32c, v.input)), v.crc32c) << v.input;
    EXPECT_EQ(base64(digest_of(HashKind::kCrc32, v.input)), v.crc32) << v.input;
    EXPECT_EQ(base64(digest_of(HashKind::kCrc64nvme, v.input)), v.crc64nvme) << v.input;
  }
  EXPECT_EQ(hex(digest_of(HashKind::kSha256, "")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(digest_of(HashKind::kSha1, "abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(Hash, MatchesTheTwoPartVectorWholeAndComposite) {
  const std::string part1(1024, 'A');
  const std::string part2(100, 'B');
  const auto whole = part1 + part2;
  const auto composite = [&](HashKind kind) {
    return digest_of(kind, digest_of(kind, part1) + digest_of(kind, part2));
  };

  EXPECT_EQ(hex(composite(HashKind::kMd5)), "0561a0fc7fa0356324d20074221dd473");
  EXPECT_EQ(base64(composite(HashKind::kCrc32c)), "gV37hw==");
  EXPECT_EQ(base64(composite(HashKind::kCrc32)), "Jnk+RA==");
  EXPECT_EQ(base64(composite(HashKind::kSha256)), "eK1F/1McqzEYWI7bYRHThWmJ+HsS4Z8ttJ6qhng6h90=");
  EXPECT_EQ(base64(composite(HashKind::kSha1)), "pfXbhWu39tkfekm6D4HtIcacIkc=");

  EXPECT_EQ(hex(digest_of(HashKind::kMd5, whole)), "ca77dd523d6700393c2bc0c86ef43c59");
  EXPECT_EQ(base64(digest_of(HashKind::kCrc32c, whole)), "4EhHrQ==");
  EXPECT_EQ(base64(digest_of(HashKind::kCrc32, whole)), "PX41IA==");
  EXPECT_EQ(base64(digest_of(HashKind::kCrc64nvme, whole)), "7lFjfFWNY0o=");

  EXPECT_EQ(crc32c(0, part1), 0xf6607a92U);
  EXPECT_EQ(crc32c(0, part2), 0x04f256deU);
  EXPECT_EQ(base64(big_endian(crc32c_combine(0xf6607a92U, 0x04f256deU, part2.size()))), "4EhHrQ==");
}

TEST(Hash, Crc32cChainsFromZero) {
  EXPECT_EQ(crc32c(0, std::string_view{"123456789"}), 0xe3069283U);
  EXPECT_EQ(crc32c(crc32c(0, std::string_view{"1234"}), std::string_view{"56789"}), 0xe3069283U);
  EXPECT_EQ(crc32c(0xe3069283U, {}), 0xe3069283U);
}

TEST(Hash, Crc32cTakesSpansLongerThanAnInt) {
  // Pages that are only read are all the kernel's one page of zeros: the span is long, the memory is not.
  const std::size_t size = (std::size_t{1} << 31) + 12'345;
  void* const zeros = mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(zeros, MAP_FAILED);
  const std::span all{static_cast<const char*>(zeros), size};
  const auto half = size / 2;
  const auto first = crc32c(0, all.first(half));
  EXPECT_EQ(crc32c(0, all), crc32c_combine(first, crc32c(0, all.subspan(half)), size - half));
  munmap(zeros, size);
}

TEST(Hash, Crc32cCombineEqualsTheCrcOfTheWholeWhereverItIsCut) {
  testing::SeededRng rng{7};
  const auto bytes = rng.bytes(1000);
  const std::string_view all{bytes};
  for (std::size_t cut = 0; cut <= all.size(); cut += 37) {
    const auto tail = all.substr(cut);
    EXPECT_EQ(crc32c_combine(crc32c(0, all.substr(0, cut)), crc32c(0, tail), tail.size()), crc32c(0, all)) << cut;
  }
}

TEST(Hash, Crc32cCombineTakesLengthsWhoseBitsOverflow) {
  // Appending 2^63 bytes twice is appending 2^64 - 1, then one more.
  const std::uint64_t huge = std::uint64_t{1} << 63;
  const auto twice = crc32c_combine(crc32c_combine(1, 0, huge), 0, huge);
  const auto in_other_pieces = crc32c_combine(crc32c_combine(1, 0, ~std::uint64_t{0}), 0, 1);
  EXPECT_EQ(twice, in_other_pieces);
  EXPECT_NE(twice, 1U);
}

TEST(Hash, Crc64nvmeEqualsItsDefinitionAtEveryLengthAndAlignment) {
  testing::SeededRng rng{11};
  const auto bytes = rng.bytes(120);
  for (std::size_t from = 0; from < 20; ++from) {
    for (std::size_t size = 0; from + size <= bytes.size(); ++size) {
      const auto part = std::string_view{bytes}.substr(from, size);
      ASSERT_EQ(digest_of(HashKind::kCrc64nvme, part), big_endian(slow_crc64nvme(part))) << from << "+" << size;
    }
  }
}

TEST(Hash, SameDigestHoweverTheStreamIsCut) {
  testing::SeededRng rng{3};
  const auto bytes = rng.bytes(5000);
  for (const auto kind : kAllKinds) {
    const auto hash = make_hash(kind);
    for (std::string_view rest = bytes; !rest.empty();) {
      const auto piece = rest.substr(0, rng.next() % 200);
      hash->update(piece);
      rest.remove_prefix(piece.size());
    }
    EXPECT_EQ(hash->digest().bytes, digest_of(kind, bytes)) << to_string(kind);
    EXPECT_EQ(hash->digest().kind, kind);
  }
}

TEST(Hash, GoesOnAfterAnInterimDigest) {
  for (const auto kind : kAllKinds) {
    const auto hash = make_hash(kind);
    hash->update(std::string_view{"1234"});
    EXPECT_EQ(hash->digest().bytes, digest_of(kind, "1234")) << to_string(kind);
    hash->update(std::string_view{"56789"});
    EXPECT_EQ(hash->digest().bytes, digest_of(kind, "123456789")) << to_string(kind);
  }
}

TEST(Hash, SavedCrcStateGoesOnInAnotherHash) {
  for (const auto kind : {HashKind::kCrc32c, HashKind::kCrc32, HashKind::kCrc64nvme}) {
    const auto hash = make_hash(kind);
    hash->update(std::string_view{"1234"});
    const auto state = hash->save();
    ASSERT_TRUE(state) << to_string(kind);
    const auto restored = restore_hash(kind, *state);
    ASSERT_NE(restored, nullptr) << *state;
    restored->update(std::string_view{"56789"});
    EXPECT_EQ(restored->digest().bytes, digest_of(kind, "123456789")) << to_string(kind);
  }
}

TEST(Hash, NeitherSavesNorRestoresWhatTheLibraryCannotExport) {
  for (const auto kind : {HashKind::kMd5, HashKind::kSha1, HashKind::kSha256}) {
    EXPECT_EQ(make_hash(kind)->save(), std::nullopt) << to_string(kind);
    EXPECT_EQ(restore_hash(kind, std::string{to_string(kind)} + ":00000000"), nullptr) << to_string(kind);
  }
}

std::string md5_of_md5s(std::initializer_list<std::string_view> pieces) {
  std::string digests;
  for (const auto piece : pieces) digests += digest_of(HashKind::kMd5, piece);
  return digest_of(HashKind::kMd5, digests);
}

TEST(PiecesHash, IsTheMd5OfTheMd5sHoweverTheStreamIsCut) {
  for (std::size_t step = 1; step <= 10; ++step) {
    const auto hash = make_pieces_hash({4, 4, 2});
    const std::string_view bytes = "0123456789";
    for (std::size_t at = 0; at < bytes.size(); at += step) hash->update(bytes.substr(at, step));
    EXPECT_EQ(hash->digest().bytes, md5_of_md5s({"0123", "4567", "89"})) << step;
    EXPECT_EQ(hash->digest().kind, HashKind::kMd5);
  }
}

TEST(PiecesHash, CountsPiecesWithoutBytes) {
  EXPECT_EQ(make_pieces_hash({0})->digest().bytes, md5_of_md5s({""}));
  const auto hash = make_pieces_hash({0, 4, 0});
  hash->update(std::string_view{"0123"});
  EXPECT_EQ(hash->digest().bytes, md5_of_md5s({"", "0123", ""}));
}

TEST(PiecesHash, MoreBytesThanThePiecesHoldNeverMatch) {
  const auto hash = make_pieces_hash({4});
  hash->update(std::string_view{"0123"});
  const auto right = hash->digest();
  hash->update(std::string_view{"4"});
  EXPECT_NE(hash->digest(), right);
}

TEST(PiecesHash, GoesOnFromStateSavedBetweenTwoPieces) {
  const auto hash = make_pieces_hash({4, 4, 2});
  hash->update(std::string_view{"01"});
  EXPECT_FALSE(hash->save()) << "in the middle of a piece";
  hash->update(std::string_view{"23"});
  const auto state = hash->save();
  ASSERT_TRUE(state);
  const auto restored = restore_pieces_hash({4, 4, 2}, *state);
  ASSERT_TRUE(restored);
  restored->update(std::string_view{"456789"});
  EXPECT_EQ(restored->digest().bytes, md5_of_md5s({"0123", "4567", "89"}));
}

TEST(PiecesHash, RefusesStateThatIsNotItsOwn) {
  const auto hash = make_pieces_hash({1, 1});
  hash->update(std::string_view{"01"});
  EXPECT_EQ(restore_pieces_hash({2}, *hash->save()), nullptr) << "more pieces than there are";
  for (const auto* broken : {"", "pieces", "pieces:0", "pieces:00", "pieces:gg", "crc32c:00000000"}) {
    EXPECT_EQ(restore_pieces_hash({1, 1}, broken), nullptr) << broken;
  }
}

TEST(Hash, RefusesStateOfAnotherKindOrBroken) {
  const auto state = *make_hash(HashKind::kCrc32c)->save();
  EXPECT_EQ(restore_hash(HashKind::kCrc32, state), nullptr);
  EXPECT_EQ(restore_hash(HashKind::kCrc64nvme, state), nullptr);
  for (const auto* broken :
       {"", "crc32c", "crc32c:", "crc32c:0000000", "crc32c:0000000g", "crc32c:0000000000", "crc32:00000000"}) {
    EXPECT_EQ(restore_hash(HashKind::kCrc32c, broken), nullptr) << broken;
  }
}

TEST(Hash, WritesIntegersMostSignificantByteFirst) {
  EXPECT_EQ(hex(big_endian(std::uint32_t{0x01020304})), "01020304");
  EXPECT_EQ(hex(big_endian(std::uint64_t{0x0102030405060708})), "0102030405060708");
}

TEST(Base64, MatchesTheVectorsOfItsStandard) {
  const std::array<std::pair<std::string_view, std::string_view>, 7> vectors{{{"", ""},
                                                                              {"f", "Zg=="},
                                                                              {"fo", "Zm8="},
                                                                              {"foo", "Zm9v"},
                                                                              {"foob", "Zm9vYg=="},
                                                                              {"fooba", "Zm9vYmE="},
                                                                              {"foobar", "Zm9vYmFy"}}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
}

TEST(Base64, RefusesAnythingButTheOneTextOfSomeBytes) {
  for (const auto* text : {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zm9v=", "Zh==", "Zm9=", "Zm8 ",
                           " Zm8=", "Zm8=\n", "Zm_v", "Zm-v", "Z=8=", "Zg==Zg==", "\xc3\xa9==", "Z\xff=="}) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
  EXPECT_EQ(from_base64(std::string_view{"Zm\0v", 4}), std::nullopt);
}

TEST(Hex, IsWrittenInLowerCaseAndReadInBoth) {
  EXPECT_EQ(hex(std::string_view{"\x00\xab\xff", 3}), "00abff");
  EXPECT_EQ(from_hex("00aBFf"), (std::string{"\x00\xab\xff", 3}));
  for (const auto* text : {"0", "0g", "g0", " 00", "0x00", "000"}) EXPECT_EQ(from_hex(text), std::nullopt) << text;
}

TEST(TextForms, AnyBytesComeBackUnchanged) {
  testing::SeededRng rng{42};
  for (int round = 0; round < 500; ++round) {
    const auto bytes = rng.bytes(rng.next() % 70);
    ASSERT_EQ(from_base64(base64(bytes)), bytes);
    ASSERT_EQ(from_hex(hex(bytes)), bytes);
  }
}

}  // namespace
}  // namespace ferry
