#include "admin/describe.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cmath>

#include "admin/target.hpp"
#include "kit/base/text.hpp"

namespace ferry::admin {
namespace {

namespace json = boost::json;

void put_key(json::object* object, const ObjectKey& key) {
  if (is_utf8(key.str())) {
    (*object)["key"] = key.str();
  } else {
    (*object)["key_percent_encoded"] = percent_encode(key.str(), "/");
  }
}

void put_version(json::object* object, const Version& version) {
  (*object)["etag"] = readable(version.etag.str());
  (*object)["last_modified"] = rfc3339(version.modified);
  if (version.version_id) (*object)["version_id"] = readable(version.version_id->str());
}

json::object describe(const Published& published) {
  json::object object;
  put_key(&object, published.key);
  put_version(&object, published.version);
  object["when"] = rfc3339(published.when);
  return object;
}

json::object describe(const Receipt& receipt) {
  json::object object;
  put_key(&object, receipt.key);
  put_version(&object, receipt.version);
  object["generation"] = receipt.generation.value;
  object["check"] = to_string(receipt.rung);
  object["size"] = receipt.size;
  object["when"] = rfc3339(receipt.when);
  return object;
}

std::string entry_name(Mark mark, const ObjectKey& key) {
  const auto type = std::string(to_string(mark));
  return is_utf8(key.str()) ? type + ":" + key.str() : type + "%:" + percent_encode(key.str(), "/");
}

void append_entry(std::string* text, Mark mark, const ObjectKey& key, json::object entry) {
  if (!text->empty()) *text += ',';
  *text += json::serialize(json::string(entry_name(mark, key)));
  *text += ':';
  *text += json::serialize(entry);
}

json::object describe(const ScanState& scan) {
  json::object object{
      {"id", readable(scan.id)}, {"audit", scan.audit}, {"running", scan.running}, {"began", rfc3339(scan.began)}};
  if (scan.ended) object["ended"] = rfc3339(*scan.ended);
  object["outcome"] = readable(scan.outcome);
  object["listed"] = scan.listed;
  object["listed_bytes"] = scan.listed_bytes;
  object["published"] = scan.published;
  object["published_bytes"] = scan.published_bytes;
  object["unchanged"] = scan.unchanged;
  object["waiting"] = scan.waiting;
  object["failed"] = scan.failed;
  object["adopted"] = scan.adopted;
  object["gone"] = scan.gone;
  object["deleted"] = scan.deleted;
  object["deletions"] = readable(scan.deletions);
  object["skipped"] = scan.skipped;
  return object;
}

/// JSON has no infinity.
double finite(double number) { return std::isfinite(number) ? number : 0; }

json::object describe(const WorkerState& worker) {
  json::object object{{"name", readable(worker.name)},
                      {"version", readable(worker.version)},
                      {"began", rfc3339(worker.began)},
                      {"heard", rfc3339(worker.heard)},
                      {"draining", worker.draining},
                      {"active", worker.active},
                      {"transfers_max", worker.transfers_max},
                      {"copied", worker.copied},
                      {"copied_bytes", worker.copied_bytes},
                      {"failed", worker.failed},
                      {"bytes_per_second", finite(worker.bytes_per_second)},
                      {"objects_per_second", finite(worker.objects_per_second)}};
  json::array transfers;
  for (const auto& transfer : worker.transfers) {
    json::object each;
    put_key(&each, ObjectKey{transfer.key});
    each["size"] = transfer.size;
    each["done"] = transfer.done;
    each["began"] = rfc3339(transfer.began);
    transfers.emplace_back(std::move(each));
  }
  object["transfers"] = std::move(transfers);
  return object;
}

template <class List>
json::array describe_all(const List& list) {
  json::array array;
  for (const auto& each : list) array.emplace_back(describe(each));
  return array;
}

}  // namespace

std::string readable(std::string_view text) { return is_utf8(text) ? std::string(text) : printable(text); }

std::string entries_text(const std::vector<Record>& records, std::optional<Mark> only) {
  std::string text;
  for (const auto& record : records) {
    if (record.published && only != Mark::kConsumed)
      append_entry(&text, Mark::kPublished, record.key, describe(*record.published));
    if (record.consumed && only != Mark::kPublished)
      append_entry(&text, Mark::kConsumed, record.key, describe(*record.consumed));
  }
  return text;
}

json::object describe(const Failure& failure) {
  json::object object;
  put_key(&object, failure.key);
  if (failure.version) put_version(&object, *failure.version);
  object["reason"] = to_string(failure.reason);
  object["what"] = readable(failure.what);
  object["attempts"] = failure.attempts;
  object["when"] = rfc3339(failure.when);
  return object;
}

json::object describe(const ServiceStatus& status) {
  json::object object{{"version", readable(status.version)},
                      {"job", readable(status.job)},
                      {"now", rfc3339(status.now)},
                      {"paused", status.paused}};
  json::array troubles;
  for (const auto& trouble : status.troubles) troubles.emplace_back(readable(trouble));
  object["troubles"] = std::move(troubles);
  object["scans"] = describe_all(status.scans);
  if (status.next_scan) object["next_scan"] = rfc3339(*status.next_scan);
  object["backlog"] = status.backlog;
  object["backlog_bytes"] = status.backlog_bytes;
  object["copied"] = status.copied;
  object["copied_bytes"] = status.copied_bytes;
  object["already_there"] = status.already_there;
  object["superseded"] = status.superseded;
  object["failed"] = status.failed;
  object["retried"] = status.retried;
  object["adopted"] = status.adopted;
  object["deleted"] = status.deleted;
  json::object rungs;
  for (const auto& [rung, objects] : status.rungs) rungs[readable(rung)] = objects;
  object["rungs"] = std::move(rungs);
  json::object losses;
  for (const auto& [loss, objects] : status.losses) losses[readable(loss)] = objects;
  object["losses"] = std::move(losses);
  object["workers"] = describe_all(status.workers);
  object["bytes_per_second"] = finite(status.bytes_per_second);
  object["objects_per_second"] = finite(status.objects_per_second);
  if (status.seconds_left) object["seconds_left"] = *status.seconds_left;
  return object;
}

std::string error_text(int status, std::string_view message) {
  const json::object object{{"statusCode", status}, {"msg", readable(message)}};
  return json::serialize(object);
}

}  // namespace ferry::admin
