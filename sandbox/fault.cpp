#include "sandbox/fault.hpp"

#include <boost/json.hpp>

#include "kit/base/hash.hpp"
#include "kit/base/text.hpp"
#include "sandbox/pubsub/server.hpp"
#include "sandbox/text_out.hpp"

namespace ferry::sandbox {
namespace {

namespace json = boost::json;

/// Reads one JSON object field by field; the first thing that isn't understood is kept as the error.
class Reader {
 public:
  explicit Reader(std::string where) : where_(std::move(where)) {}

  void bad(std::string_view field, std::string_view why) {
    if (!error_) error_ = where_ + ": '" + printable(field) + "' " + std::string(why);
  }
  std::string text(std::string_view field, const json::value& value) {
    if (value.is_string()) return std::string(value.get_string());
    bad(field, "must be text");
    return {};
  }
  std::uint64_t number(std::string_view field, const json::value& value) {
    if (value.is_int64() && value.get_int64() >= 0) return static_cast<std::uint64_t>(value.get_int64());
    if (value.is_uint64()) return value.get_uint64();
    bad(field, "must be a whole number, 0 or more");
    return 0;
  }
  const json::object& object(std::string_view field, const json::value& value) {
    static const json::object kEmpty;
    if (value.is_object()) return value.get_object();
    bad(field, "must be an object");
    return kEmpty;
  }
  [[nodiscard]] const std::optional<std::string>& error() const { return error_; }

 private:
  std::string where_;
  std::optional<std::string> error_;
};

/// 503, or "reset", or "cut".
int read_answer_status(Reader* reader, std::string_view field, const json::value& value) {
  if (value.is_string() && value.get_string() == "reset") return FaultAnswer::kReset;
  if (value.is_string() && value.get_string() == "cut") return FaultAnswer::kCut;
  const auto status = reader->number(field, value);
  if (status < 100 || status > 999) reader->bad(field, "must be a status, \"reset\" or \"cut\"");
  return static_cast<int>(status);
}

std::vector<std::pair<std::string, std::string>> read_headers(Reader* reader, std::string_view field,
                                                              const json::value& value) {
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& member : reader->object(field, value)) {
    headers.emplace_back(member.key(), reader->text(field, member.value()));
  }
  return headers;
}

FaultMutation read_mutation(Reader* reader, std::string_view field, const json::value& value, bool deletes) {
  FaultMutation mutation;
  if (!deletes) mutation.replacement.emplace();
  if (deletes && value.is_number()) {
    mutation.at = reader->number(field, value);
    return mutation;
  }
  for (const auto& member : reader->object(field, value)) {
    const std::string_view name = member.key();
    if (name == "n")
      mutation.at = reader->number(name, member.value());
    else if (name == "body" && !deletes)
      mutation.replacement = reader->text(name, member.value());
    else if (name == "bucket")
      mutation.bucket = reader->text(name, member.value());
    else if (name == "key")
      mutation.key = reader->text(name, member.value());
    else
      reader->bad(name, "is not known here");
  }
  return mutation;
}

FaultAnswer read_commit_then(Reader* reader, const json::value& value) {
  FaultAnswer answer;
  if (!value.is_object()) {
    answer.status = read_answer_status(reader, "commit_then", value);
    return answer;
  }
  for (const auto& member : value.get_object()) {
    const std::string_view name = member.key();
    if (name == "status")
      answer.status = read_answer_status(reader, name, member.value());
    else if (name == "body")
      answer.body = reader->text(name, member.value());
    else
      reader->bad(name, "is not known in commit_then");
  }
  if (answer.status == 0) reader->bad("commit_then", "needs a status");
  return answer;
}

bool read_position(Reader* reader, std::string_view name, const json::value& value, FaultAction* action) {
  const std::pair<std::string_view, std::optional<std::uint64_t>*> kPositions[] = {
      {"cut_after", &action->cut_after},     {"reset_after", &action->reset_after},
      {"stall_after", &action->stall_after}, {"flip_byte", &action->flip_byte},
      {"truncate_to", &action->truncate_to}, {"persist_only", &action->persist_only}};
  for (const auto& [known, place] : kPositions) {
    if (name != known) continue;
    *place = reader->number(name, value);
    return true;
  }
  return false;
}

bool read_reply(Reader* reader, std::string_view name, const json::value& value, FaultAction* action) {
  if (name == "set_headers") {
    action->set_headers = read_headers(reader, name, value);
  } else if (name == "headers") {
    for (auto& [key, text] : read_headers(reader, name, value)) action->headers.add(key, text);
  } else if (name == "drop_headers") {
    if (!value.is_array()) {
      reader->bad(name, "must be a list of names");
      return true;
    }
    for (const auto& header : value.get_array()) action->drop_headers.push_back(reader->text(name, header));
  } else if (name == "raw") {
    action->raw = from_base64(reader->text(name, value));
    if (!action->raw) reader->bad(name, "must be base64");
  } else if (name == "redirect") {
    action->redirect = reader->text(name, value);
  } else {
    return false;
  }
  return true;
}

bool read_pubsub(Reader* reader, std::string_view name, const json::value& value, FaultAction* action) {
  const auto code = [&] {
    const auto known = pubsub::parse_code(reader->text(name, value));
    if (!known) reader->bad(name, "must be the name of a gRPC status, as UNAVAILABLE");
    return known;
  };
  const std::pair<std::string_view, bool*> kSwitches[] = {
      {"swallow", &action->swallow}, {"duplicate", &action->duplicate}, {"shuffle", &action->shuffle}};
  for (const auto& [known, place] : kSwitches) {
    if (name != known || !value.is_bool()) continue;
    *place = value.get_bool();
    return true;
  }
  if (name == "code")
    action->code = code();
  else if (name == "commit_then_code")
    action->commit_then_code = code();
  else
    return false;
  return true;
}

FaultAction read_action(Reader* reader, const json::value& value) {
  FaultAction action;
  action.text = json::serialize(value);
  FaultAnswer answer;
  for (const auto& member : reader->object("action", value)) {
    const std::string_view name = member.key();
    const auto& field = member.value();
    if (read_position(reader, name, field, &action) || read_reply(reader, name, field, &action)) continue;
    if (read_pubsub(reader, name, field, &action)) continue;
    if (name == "status")
      answer.status = read_answer_status(reader, name, field);
    else if (name == "body")
      answer.body = reader->text(name, field);
    else if (name == "ms")
      action.stall = Milliseconds(reader->number(name, field));
    else if (name == "delay_ms")
      action.delay = Milliseconds(reader->number(name, field));
    else if (name == "rate")
      action.rate = reader->number(name, field);
    else if (name == "fix_length" && field.is_bool())
      action.fix_length = field.get_bool();
    else if (name == "commit_then")
      action.commit_then = read_commit_then(reader, field);
    else if (name == "replace_object_at_byte")
      action.mutation = read_mutation(reader, name, field, false);
    else if (name == "delete_object_at_byte")
      action.mutation = read_mutation(reader, name, field, true);
    else if (name == "side" && field == "request")
      action.on_request = true;
    else if (name == "side" && field == "response")
      action.on_request = false;
    else
      reader->bad(name, "is not an action");
  }
  if (answer.status != 0) action.answer = std::move(answer);
  if (action.stall_after && action.stall.count() == 0) reader->bad("stall_after", "needs \"ms\"");
  return action;
}

}  // namespace

Result<FaultInstruction> parse_fault(std::string_view text) {
  boost::system::error_code bad;
  const auto document = json::parse(text, bad);
  if (bad) return fail(ErrorKind::kInvalid, "fault instruction is not JSON: " + bad.message());
  Reader reader("fault instruction");
  FaultInstruction out;
  bool has_action = false;
  for (const auto& member : reader.object("instruction", document)) {
    const std::string_view name = member.key();
    const auto& value = member.value();
    if (name == "service")
      out.service = reader.text(name, value);
    else if (name == "op")
      out.operation = reader.text(name, value);
    else if (name == "bucket")
      out.bucket = reader.text(name, value);
    else if (name == "key")
      out.key = reader.text(name, value);
    else if (name == "key_prefix")
      out.key_prefix = reader.text(name, value);
    else if (name == "nth")
      out.nth = reader.number(name, value);
    else if (name == "every")
      out.every = reader.number(name, value);
    else if (name == "after")
      out.after = reader.number(name, value);
    else if (name == "times")
      out.times = reader.number(name, value);
    else if (name == "seed")
      out.seed = reader.number(name, value);
    else if (name == "probability" && value.is_number())
      out.probability = value.to_number<double>();
    else if (name == "action")
      out.action = read_action(&reader, value), has_action = true;
    else
      reader.bad(name, "is not known");
  }
  if (!has_action) reader.bad("action", "is missing");
  if (reader.error()) return fail(ErrorKind::kInvalid, *reader.error());
  return out;
}

void FaultTable::add(FaultInstruction instruction) {
  const std::lock_guard lock(mutex_);
  entries_.emplace_back(std::move(instruction));
  empty_ = false;
}

Status FaultTable::add_lines(std::string_view lines) {
  std::vector<FaultInstruction> parsed;
  for (std::size_t number = 1; !lines.empty(); ++number) {
    const auto end = lines.find('\n');
    const auto line = trim(lines.substr(0, end));
    lines = end == std::string_view::npos ? std::string_view{} : lines.substr(end + 1);
    if (line.empty() || line.front() == '#') continue;
    auto instruction = parse_fault(line);
    if (!instruction) return fail(std::move(instruction).error().during("line " + std::to_string(number)));
    parsed.push_back(*std::move(instruction));
  }
  for (auto& instruction : parsed) add(std::move(instruction));
  return {};
}

void FaultTable::clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
  empty_ = true;
}

bool FaultTable::fires(Entry* entry) {
  const auto& rule = entry->instruction;
  const auto count = ++entry->matched;
  if (rule.nth != 0 && count != rule.nth) return false;
  if (count <= rule.after) return false;
  if (rule.every != 0 && count % rule.every != 0) return false;
  if (rule.times != 0 && entry->fired >= rule.times) return false;
  if (rule.probability < 1) {
    const double drawn = static_cast<double>(entry->chance() >> 11) * 0x1.0p-53;
    if (drawn >= rule.probability) return false;
  }
  ++entry->fired;
  return true;
}

namespace {
bool covers(std::string_view wanted, std::string_view value) { return wanted == "*" || wanted == value; }
}  // namespace

std::optional<FaultAction> FaultTable::match(std::string_view service, std::string_view operation,
                                             std::string_view bucket, std::string_view key) {
  if (empty_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  for (auto& entry : entries_) {
    const auto& rule = entry.instruction;
    if (!covers(rule.service, service) || !covers(rule.operation, operation) || !covers(rule.bucket, bucket) ||
        !covers(rule.key, key) || !key.starts_with(rule.key_prefix)) {
      continue;
    }
    if (fires(&entry)) return entry.instruction.action;
  }
  return std::nullopt;
}

std::string FaultTable::describe() const {
  const std::lock_guard lock(mutex_);
  std::string text = "[";
  for (const auto& entry : entries_) {
    if (text.size() > 1) text += ',';
    JsonObject one(&text);
    one.text("service", entry.instruction.service).text("op", entry.instruction.operation);
    one.number("matched", entry.matched)
        .number("fired", entry.fired)
        .raw("action", entry.instruction.action.text)
        .end();
  }
  return text + "]";
}

}  // namespace ferry::sandbox
