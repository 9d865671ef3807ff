#include "sandbox/fill.hpp"
namespace ferry::sandbox {
int fill(FillOptions) { return 2; }
}  // namespace ferry::sandbox
