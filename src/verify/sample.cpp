#include "verify/sample.hpp"

namespace ferry {
namespace {

/// The finalizer of SplitMix64: every bit of the result depends on every bit of `x`.
std::uint64_t mixed(std::uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9U;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebU;
  return x ^ x >> 31;
}

}  // namespace

std::uint64_t draw(std::string_view key, std::uint64_t seed) {
  std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return mixed(hash ^ mixed(seed + 0x9e3779b97f4a7c15U));
}

bool falls_into(std::uint64_t drawn, double share) {
  return share >= 1 || static_cast<double>(drawn) < share * 18'446'744'073'709'551'616.0;
}

}  // namespace ferry
