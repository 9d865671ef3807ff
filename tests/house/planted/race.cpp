// Two threads write without a lock: ThreadSanitizer must end this program (scripts/test checks that it does).
#include <thread>

int main() {
  int shared = 0;
  std::thread other{[&shared] { ++shared; }};
  ++shared;
  other.join();
  return shared == 0 ? 2 : 0;
}
