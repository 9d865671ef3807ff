#pragma once
// Both sides' listings, side by side: what publisher and pruner merge.

#include "kit/async/page_stream.hpp"
#include "source/object_source.hpp"
#include "target/object_target.hpp"

namespace ferry {

/// Two pages per side at most. Belongs to one executor.
class Listings {
 public:
  using SourceStream = PageStream<SourcePage, SourceEntry, &SourcePage::entries>;
  using TargetStream = PageStream<TargetPage, TargetObject, &TargetPage::objects>;

  /// Begins to fetch: finish() must follow.
  Listings(Executor executor, SourceStream::Fetch list_source, TargetStream::Fetch list_target);

  /// Makes sure that both heads stand, or that their listings are over. @error says whose listing it was
  Task<Status> fill();
  /// Awaits `work`, and then, also if it was cancelled, the end of what is still being fetched.
  Task<Status> finish(Task<Status> work);

  SourceStream source;
  TargetStream target;
};

}  // namespace ferry
