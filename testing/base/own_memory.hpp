#pragma once
// Whether a limit of memory means anything in this build.

namespace ferry::testing {

/// False where sanitizers multiply what a program needs.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kMemoryIsOurs = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kMemoryIsOurs = false;
#else
inline constexpr bool kMemoryIsOurs = true;
#endif
#else
inline constexpr bool kMemoryIsOurs = true;
#endif

}  // namespace ferry::testing
