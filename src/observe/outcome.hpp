#pragma once
// What happened to each object, for reports. Unchanged objects are only counted: a rescan must not write a line for
// each.

#include "domain/receipt.hpp"
#include "domain/transfer_plan.hpp"

namespace ferry {

/// Called from any I/O thread; must not block for long.
class OutcomeSink {
 public:
  virtual ~OutcomeSink() = default;
  virtual void copied(const Receipt& receipt) = 0;
  virtual void superseded(const ObjectKey& key, std::string_view why) = 0;
  virtual void failed(const Failure& failure) = 0;
  /// It was there: somebody else had brought it, and a checksum that cost a request recognised it.
  virtual void adopted(const Receipt&) {}
  /// Left out because the target can't hold its name, as the job wants it.
  virtual void skipped(const ObjectKey&, std::string_view) {}
  /// One side refuses every object: the set-up is at fault.
  virtual void refused(std::string_view) {}
  /// It left the source; this generation of it was deleted at the target.
  virtual void deleted(const ObjectKey&, Generation) {}
  /// Dry runs only: this would be copied, that would be deleted.
  virtual void planned(const TransferPlan&) {}
  virtual void would_delete(const ObjectKey&) {}
};

}  // namespace ferry
