#pragma once
// A listing as a stream of pages that fetches the next page while the current one is being worked on.

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kit/async/task_group.hpp"
#include "kit/base/error.hpp"

namespace ferry {

/// `Page` has `next` and a vector of `Entry`, which `entries` names. Belongs to one executor; join() before it goes.
template <class Page, class Entry, std::vector<Entry> Page::* entries>
class PageStream {
 public:
  using Fetch = std::function<Task<Result<Page>>(std::optional<std::string> token)>;
  PageStream(Executor executor, Fetch fetch) : fetching_(executor), fetch_(std::move(fetch)) { start({}); }

  /// Makes sure that head() stands on an entry, or that the listing is over.
  Task<Status> fill() {
    while (at_ == page_.size() && (fetching_.size() > 0 || arrived_)) {
      co_await fetching_.join();
      auto page = std::move(*std::exchange(arrived_, std::nullopt));
      if (!page) co_return fail(std::move(page).error());
      page_ = std::move((*page).*entries);
      at_ = 0;
      if (page->next) start(std::move(page->next));
    }
    co_return Unit{};
  }
  [[nodiscard]] const Entry* head() const { return at_ < page_.size() ? &page_[at_] : nullptr; }
  /// True when head() is null only because the next page is not here yet.
  [[nodiscard]] bool starved() const { return at_ == page_.size() && (fetching_.size() > 0 || arrived_); }
  void step() { ++at_; }
  /// Ends a fetch under way.
  Task<> close() {
    fetching_.cancel();
    co_await fetching_.join();
  }

 private:
  void start(std::optional<std::string> token) { fetching_.spawn(fetch_into(this, std::move(token))); }
  static Task<> fetch_into(PageStream* self, std::optional<std::string> token) {
    self->arrived_ = co_await self->fetch_(std::move(token));
  }

  TaskGroup fetching_;
  Fetch fetch_;
  std::optional<Result<Page>> arrived_;
  std::vector<Entry> page_;
  std::size_t at_ = 0;
};

}  // namespace ferry
