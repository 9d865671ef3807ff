#include "app/first_page.hpp"

#include <utility>

namespace ferry::app {

Task<Result<SourcePage>> FirstPageSource::list(std::string prefix, std::optional<std::string> token,
                                               std::optional<ObjectKey> after) {
  if (reached_) co_return co_await patient_->list(std::move(prefix), std::move(token), std::move(after));
  auto page = co_await impatient_->list(std::move(prefix), std::move(token), std::move(after));
  reached_ = page.has_value();
  co_return page;
}

Task<Result<TargetPage>> FirstPageTarget::list(std::string prefix, std::optional<std::string> token, Detail detail) {
  if (reached_) co_return co_await patient_->list(std::move(prefix), std::move(token), detail);
  auto page = co_await impatient_->list(std::move(prefix), std::move(token), detail);
  reached_ = page.has_value();
  co_return page;
}

}  // namespace ferry::app
