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

Result<std::unique_ptr<FirstPage>> make_first_page(const MakeClients& make_clients, Executor executor,
                                                   const Clients& patient) {
  auto impatient = make_clients(std::move(executor), Patience::kFirstPage);
  if (!impatient) return fail(std::move(impatient).error());
  return std::make_unique<FirstPage>(*std::move(impatient), patient);
}

Status make_both_patiences(const MakeClients& make_clients, Executor executor, Clients* patient,
                           std::unique_ptr<FirstPage>* first_page) {
  auto clients = make_clients(executor, Patience::kWork);
  if (!clients) return fail(std::move(clients).error());
  *patient = *std::move(clients);
  auto made = make_first_page(make_clients, std::move(executor), *patient);
  if (!made) return fail(std::move(made).error());
  *first_page = *std::move(made);
  return Unit{};
}

}  // namespace ferry::app
