#include "queue/pubsub/books.hpp"

#include <algorithm>
#include <utility>

namespace ferry::pubsub {
namespace {

constexpr std::size_t kAttemptsPerLoan = 16;  // messages that were given back, of which the count is kept

}  // namespace

Books::Books(std::size_t messages_max, std::size_t bytes_max)
    : messages_max_(messages_max), bytes_max_(bytes_max), attempts_(messages_max * kAttemptsPerLoan) {}

LoanPtr Books::enter(const std::string& message_id, std::string ack_id, std::size_t bytes, std::uint32_t attempt,
                     SteadyTime now) {
  if (const auto found = loans_.find(message_id); found != loans_.end()) {
    found->second->ack_id = std::move(ack_id);
    found->second->granted = now;
    return nullptr;
  }
  auto loan = std::make_shared<Loan>();
  loan->message_id = message_id;
  loan->ack_id = std::move(ack_id);
  loan->bytes = bytes;
  loan->attempt = attempt > 0 ? attempt : attempts_.times(message_id) + 1;
  loan->granted = now;
  loans_.emplace(loan->message_id, loan);
  bytes_ += bytes;
  return loan;
}

void Books::lend(const LoanPtr& loan) {
  loan->out = true;
  ++out_;
}

void Books::ack(const LoanPtr& loan) {
  if (loan->settled) return;
  attempts_.forget(loan->message_id);
  drop(loan, &acks_);
}

void Books::nack(const LoanPtr& loan) {
  if (loan->settled) return;
  attempts_.given_back(loan->message_id);
  drop(loan, &nacks_);
}

void Books::hold(const LoanPtr& loan, SteadyTime due) {
  if (loan->settled) return;
  if (std::exchange(loan->out, false)) --out_;
  held_.emplace(due, loan);
}

void Books::park(const LoanPtr& loan, SteadyTime due) {
  if (parked_ >= std::max<std::size_t>(messages_max_ / 4, 1)) return nack(loan);
  ++parked_;
  loan->parked = true;
  hold(loan, due);
}

std::optional<SteadyTime> Books::next_due() const {
  if (held_.empty()) return std::nullopt;
  return held_.begin()->first;
}

void Books::nack_due(SteadyTime now) {
  while (!held_.empty() && held_.begin()->first <= now) {
    nack(held_.extract(held_.begin()).mapped());
  }
}

void Books::nack_idle() {
  held_.clear();
  const auto loans = loans_;
  for (const auto& [id, loan] : loans) {
    if (!loan->out) nack(loan);
  }
}

void Books::nack_all() {
  held_.clear();
  while (!loans_.empty()) nack(LoanPtr(loans_.begin()->second));
}

std::vector<LoanPtr> Books::granted_before(SteadyTime time) const {
  std::vector<LoanPtr> old;
  for (const auto& [id, loan] : loans_) {
    if (loan->granted < time) old.push_back(loan);
  }
  return old;
}

bool Books::has_room() const {
  return loans_.size() <= messages_max_ - messages_max_ / 5 && bytes_ <= bytes_max_ - bytes_max_ / 5 && !full();
}

void Books::drop(const LoanPtr& loan, std::vector<std::string>* into) {
  if (std::exchange(loan->settled, true)) return;
  into->push_back(loan->ack_id);
  bytes_ -= loan->bytes;
  if (loan->out) --out_;
  if (loan->parked) --parked_;
  loans_.erase(loan->message_id);
}

std::vector<std::vector<std::string>> portions(std::vector<std::string> ack_ids) {
  constexpr std::size_t kIdsMax = 1'000;
  constexpr std::size_t kBytesMax = 400'000;  // requests end at 524,288
  std::vector<std::vector<std::string>> all;
  std::size_t bytes = 0;
  for (auto& id : ack_ids) {
    if (all.empty() || all.back().size() == kIdsMax || bytes + id.size() > kBytesMax) {
      all.emplace_back().reserve(std::min(kIdsMax, ack_ids.size()));
      bytes = 0;
    }
    bytes += id.size();
    all.back().push_back(std::move(id));
  }
  return all;
}

}  // namespace ferry::pubsub
