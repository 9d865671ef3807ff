#pragma once
// Starting threads.

#include <new>
#include <system_error>
#include <thread>
#include <utility>

namespace ferry {

/// A thread's stack is memory, too: where it can't be had, the handler of operator new is asked, as for any other.
/// Without one the error of std::thread is thrown.
template <class Function>
[[nodiscard]] std::thread start_thread(Function function) {
  for (;;) {
    try {
      return std::thread{function};
    } catch (const std::system_error&) {
      const auto out_of_memory = std::get_new_handler();
      if (!out_of_memory) throw;
      out_of_memory();
    }
  }
}

}  // namespace ferry
