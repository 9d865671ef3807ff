#include "app/service_notes.hpp"

#include <boost/json.hpp>
#include <utility>

namespace ferry::app {
namespace {

namespace json = boost::json;

std::int64_t number_of(Seconds time) { return time.time_since_epoch().count(); }

json::array json_of(const std::vector<admin::TransferState>& transfers) {
  json::array list;
  for (const auto& one : transfers) {
    list.push_back({{"key", one.key}, {"size", one.size}, {"done", one.done}, {"began", number_of(one.began)}});
  }
  return list;
}

/// Reads fields leniently: what is missing or of another type is what it was before.
class Fields {
 public:
  explicit Fields(const json::object& object) : object_(&object) {}

  void read(const char* name, std::string* into) const {
    if (const auto* value = find(name); value && value->is_string()) *into = value->get_string();
  }
  void read(const char* name, bool* into) const {
    if (const auto* value = find(name); value && value->is_bool()) *into = value->get_bool();
  }
  void read(const char* name, double* into) const {
    if (const auto* value = find(name); value && value->is_number()) *into = value->to_number<double>();
  }
  void read(const char* name, std::int64_t* into) const {
    if (const auto* value = find(name); value && value->is_int64()) *into = value->get_int64();
  }
  void read(const char* name, std::uint64_t* into) const {
    std::int64_t number = -1;
    read(name, &number);
    if (number >= 0) *into = static_cast<std::uint64_t>(number);
  }
  void read(const char* name, Seconds* into) const {
    std::int64_t number = number_of(*into);
    read(name, &number);
    *into = Seconds{std::chrono::seconds{number}};
  }
  void read(const char* name, std::optional<Seconds>* into) const {
    const auto* value = find(name);
    if (value && value->is_int64()) *into = Seconds{std::chrono::seconds{value->get_int64()}};
  }
  template <class Read>
  void each(const char* name, Read read) const {
    const auto* value = find(name);
    if (!value || !value->is_array()) return;
    for (const auto& one : value->get_array()) {
      if (one.is_object()) read(Fields{one.get_object()});
    }
  }

 private:
  const json::value* find(const char* name) const { return object_->if_contains(name); }
  const json::object* object_;
};

json::object parse_object(const std::string& text) {
  boost::system::error_code error;
  auto value = json::parse(text, error);
  return !error && value.is_object() ? std::move(value.get_object()) : json::object{};
}

json::object json_of(const admin::ScanState& scan) {
  json::object object{{"id", scan.id},
                      {"audit", scan.audit},
                      {"running", scan.running},
                      {"began", number_of(scan.began)},
                      {"outcome", scan.outcome},
                      {"listed", scan.listed},
                      {"listed_bytes", scan.listed_bytes},
                      {"published", scan.published},
                      {"published_bytes", scan.published_bytes},
                      {"unchanged", scan.unchanged},
                      {"waiting", scan.waiting},
                      {"failed", scan.failed},
                      {"adopted", scan.adopted},
                      {"gone", scan.gone},
                      {"deleted", scan.deleted},
                      {"deletions", scan.deletions},
                      {"skipped", scan.skipped}};
  if (scan.ended) object["ended"] = number_of(*scan.ended);
  return object;
}

admin::ScanState scan_of(const Fields& fields) {
  admin::ScanState scan;
  fields.read("id", &scan.id);
  fields.read("audit", &scan.audit);
  fields.read("running", &scan.running);
  fields.read("began", &scan.began);
  fields.read("ended", &scan.ended);
  fields.read("outcome", &scan.outcome);
  fields.read("listed", &scan.listed);
  fields.read("listed_bytes", &scan.listed_bytes);
  fields.read("published", &scan.published);
  fields.read("published_bytes", &scan.published_bytes);
  fields.read("unchanged", &scan.unchanged);
  fields.read("waiting", &scan.waiting);
  fields.read("failed", &scan.failed);
  fields.read("skipped", &scan.skipped);
  fields.read("adopted", &scan.adopted);
  fields.read("gone", &scan.gone);
  fields.read("deleted", &scan.deleted);
  fields.read("deletions", &scan.deletions);
  return scan;
}

}  // namespace

std::string to_note(const ScanNotes& notes) {
  json::array scans;
  for (const auto& scan : notes.scans) scans.push_back(json_of(scan));
  json::object object{{"scans", std::move(scans)},
                      {"settled_before", notes.settled_before},
                      {"settled_bytes_before", notes.settled_bytes_before}};
  if (notes.next) object["next"] = number_of(*notes.next);
  return json::serialize(object);
}

ScanNotes parse_scan_notes(const std::string& text) {
  const auto object = parse_object(text);
  const Fields fields{object};
  ScanNotes notes;
  fields.each("scans", [&notes](const Fields& scan) { notes.scans.push_back(scan_of(scan)); });
  fields.read("settled_before", &notes.settled_before);
  fields.read("settled_bytes_before", &notes.settled_bytes_before);
  fields.read("next", &notes.next);
  return notes;
}

std::string to_note(const WorkerNote& note) {
  const auto& worker = note.worker;
  return json::serialize(json::object{{"name", worker.name},
                                      {"version", worker.version},
                                      {"began", number_of(worker.began)},
                                      {"heard", number_of(worker.heard)},
                                      {"draining", worker.draining},
                                      {"active", worker.active},
                                      {"transfers_max", worker.transfers_max},
                                      {"copied", worker.copied},
                                      {"copied_bytes", worker.copied_bytes},
                                      {"failed", worker.failed},
                                      {"bytes_per_second", worker.bytes_per_second},
                                      {"objects_per_second", worker.objects_per_second},
                                      {"transfers", json_of(worker.transfers)},
                                      {"trouble", note.trouble}});
}

std::optional<WorkerNote> parse_worker_note(const std::string& text) {
  const auto object = parse_object(text);
  const Fields fields{object};
  WorkerNote note;
  auto& worker = note.worker;
  fields.read("name", &worker.name);
  if (worker.name.empty()) return std::nullopt;
  fields.read("version", &worker.version);
  fields.read("began", &worker.began);
  fields.read("heard", &worker.heard);
  fields.read("draining", &worker.draining);
  fields.read("active", &worker.active);
  fields.read("transfers_max", &worker.transfers_max);
  fields.read("copied", &worker.copied);
  fields.read("copied_bytes", &worker.copied_bytes);
  fields.read("failed", &worker.failed);
  fields.read("bytes_per_second", &worker.bytes_per_second);
  fields.read("objects_per_second", &worker.objects_per_second);
  fields.read("trouble", &note.trouble);
  fields.each("transfers", [&worker](const Fields& one) {
    auto& transfer = worker.transfers.emplace_back();
    one.read("key", &transfer.key);
    one.read("size", &transfer.size);
    one.read("done", &transfer.done);
    one.read("began", &transfer.began);
  });
  return note;
}

bool is_paused(const std::map<std::string, std::string>& control, bool before) {
  const auto note = control.find(kPausedNote);
  return note == control.end() ? before : note->second == "1";
}

std::string to_note(const ScanWish& wish) { return wish.id + (wish.audit ? " audit" : ""); }

ScanWish parse_scan_wish(const std::string& text) {
  const auto blank = text.find(' ');
  return {text.substr(0, blank), blank != std::string::npos && text.substr(blank + 1) == "audit"};
}

}  // namespace ferry::app
