#include "publish/listings.hpp"

#include <exception>
#include <utility>

namespace ferry {

Listings::Listings(Executor executor, SourceStream::Fetch list_source, TargetStream::Fetch list_target)
    : source(executor, std::move(list_source)), target(executor, std::move(list_target)) {}

Task<Status> Listings::fill() {
  if (auto filled = co_await source.fill(); !filled) co_return fail(std::move(filled).error().during("list source"));
  if (auto filled = co_await target.fill(); !filled) co_return fail(std::move(filled).error().during("list target"));
  co_return Unit{};
}

Task<Status> Listings::finish(Task<Status> work) {
  Status outcome = Unit{};
  std::exception_ptr cancelled;
  try {
    outcome = co_await std::move(work);
  } catch (...) {
    cancelled = std::current_exception();
  }
  if (cancelled) co_await shield();
  co_await source.close();
  co_await target.close();
  if (cancelled) std::rethrow_exception(cancelled);
  co_return outcome;
}

}  // namespace ferry
