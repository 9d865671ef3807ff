// Reads memory that it has given back: AddressSanitizer must end this program (scripts/test checks that it does).
#include <memory>

int main(int argc, char**) {
  auto owner = std::make_unique<int>(argc);
  const volatile int* const dangling = owner.get();
  owner.reset();
  return *dangling == argc ? 0 : 2;
}
