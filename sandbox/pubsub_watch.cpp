#include "sandbox/pubsub_watch.hpp"

#include "kit/base/text.hpp"
#include "sandbox/text_out.hpp"

namespace ferry::sandbox {

std::optional<pubsub::Fault> PubsubWatch::fault(std::string_view operation, std::string_view resource) {
  auto action = faults_->match("pubsub", operation, resource, {});
  if (!action) return std::nullopt;
  pubsub::Fault fault;
  fault.text = std::move(action->text);
  fault.code = action->code;
  fault.commit_then = action->commit_then_code;
  fault.swallow = action->swallow;
  fault.duplicate = action->duplicate;
  fault.shuffle = action->shuffle;
  return fault;
}

bool PubsubWatch::admits(std::string_view authorization) {
  constexpr std::string_view kBearer = "Bearer ";
  if (!tokens_) return true;
  return authorization.starts_with(kBearer) && tokens_->accepts(authorization.substr(kBearer.size()));
}

void PubsubWatch::happened(const pubsub::Happening& what) {
  RequestEvent event;
  event.service = "pubsub";
  event.operation = what.operation;
  const auto safe = is_utf8(what.resource) ? std::string{} : printable(what.resource);
  event.bucket = safe.empty() ? what.resource : std::string_view(safe);
  event.status = what.code;
  event.messages = what.messages;
  (what.operation == "Deliver" ? event.bytes_out : event.bytes_in) = what.bytes;
  event.fault = what.fault;
  log_->request(event);
}

std::string to_json(const std::vector<pubsub::Holdings>& all) {
  std::string text = "[";
  for (const auto& one : all) {
    if (text.size() > 1) text += ',';
    JsonObject(&text)
        .text("subscription", one.subscription)
        .number("waiting", one.waiting)
        .number("delayed", one.delayed)
        .number("on_loan", one.on_loan)
        .number("streams", one.streams)
        .end();
  }
  return text + "]";
}

}  // namespace ferry::sandbox
