// Overflows a signed number: UndefinedBehaviorSanitizer must end this program (scripts/test checks that it does).
#include <limits>

int main(int argc, char**) {
  volatile int number = std::numeric_limits<int>::max();
  number = number + argc;
  return number == 0 ? 2 : 0;
}
