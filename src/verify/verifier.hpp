#pragma once
// Compares both sides of a job, object by object, in one pass over both listings. Moves no bytes, unless it is told to
// read the source again. Memory doesn't grow with the bucket: two pages per side, what is being read, and the sample.
// Names that had to be escaped stand out of order at the target: their objects are looked up one by one, on either
// side.

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "domain/job.hpp"
#include "domain/object_meta.hpp"
#include "kit/base/buffer_pool.hpp"
#include "plan/filter.hpp"
#include "plan/names.hpp"
#include "source/object_source.hpp"
#include "target/object_target.hpp"
#include "verify/judge.hpp"
#include "verify/sample.hpp"

namespace ferry {

struct VerifyOptions {
  Filter filter;           ///< sees source keys, and target keys as the source would name them
  Seconds began{};         ///< what the filter's ages count from
  bool partial = false;    ///< the source's listing doesn't show all there is: then nothing at the target is extra
  bool deep = false;       ///< read source objects again and compare CRC32C
  bool metadata = false;   ///< compare content headers and user metadata; costs a HEAD for each object that isn't read
  Sample sample;           ///< of which objects both are done; of the others the listings decide
  std::size_t reads = 64;  ///< at once, as are HEADs
};

/// `Sample::objects` at most: so many are remembered until both listings are over.
inline constexpr std::uint64_t kSampleMax = 100'000;

/// Counters that the display reads while the work goes on.
struct VerifyTally {
  std::atomic<std::uint64_t> listed{0};  ///< source objects in scope
  std::atomic<std::uint64_t> listed_bytes{0};
  std::atomic<std::uint64_t> target_listed{0};  ///< target objects in scope
  std::atomic<std::uint64_t> filtered{0};
  std::atomic<std::uint64_t> skipped{0};  ///< of `listed`: the job leaves names out that the target can't hold
  std::atomic<std::uint64_t> settled{0};  ///< source objects with a verdict
  std::atomic<std::uint64_t> settled_bytes{0};
  std::atomic<std::uint64_t> read{0};  ///< source objects read again, as far as that was possible
  std::atomic<std::uint64_t> read_bytes{0};
  std::atomic<std::uint64_t> asked{0};  ///< source objects that a HEAD was spent on
  std::atomic<bool> listing_done{false};
  std::array<std::atomic<std::uint64_t>, kVerdicts> verdicts{};    ///< by Verdict
  std::array<std::atomic<std::uint64_t>, kEvidences> evidences{};  ///< by Evidence, of objects that are kOk
  std::array<std::atomic<std::uint64_t>, kRungs>
      recorded{};  ///< of those that rest on provenance: by the check it names
};

/// What became of one object.
struct Finding {
  ObjectKey key;  ///< source key
  ObjectKey target_key;
  Judgement judgement;
  std::optional<Version> source_version;
  std::optional<std::uint64_t> source_size;
  std::optional<Generation> target_generation;
  std::optional<std::uint64_t> target_size;
  std::optional<std::uint32_t> crc32c;  ///< of the target, where it says so
};

class FindingSink {
 public:
  virtual ~FindingSink() = default;
  virtual void found(const Finding& finding) = 0;
};

/// Belongs to one io_context thread, as its source and target do. All pointers outlive it; `sink` may be null.
class Verifier {
 public:
  Verifier(Job job, VerifyOptions options, ObjectSource* source, ObjectTarget* target, VerifyTally* tally,
           FindingSink* sink);

  /// One pass. An error means that it is incomplete.
  /// @error as ObjectSource::list, ObjectTarget::list
  Task<Status> run();

 private:
  /// Both sides of one object, and what the listings say of it.
  struct Pair {
    SourceEntry entry;
    TargetObject there;
    Judgement listed;
    bool sampled = true;  ///< else only an open question: one HEAD may settle it
  };
  struct Aside {
    SourceEntry entry;
    ObjectKey target_key;
  };
  /// What one stretch of the merge leaves to be done.
  struct Leftover {
    std::vector<Pair> closer;
    std::vector<Aside> asides;         ///< of the source: is there something at the target?
    std::vector<TargetObject> strays;  ///< of the target, with an escaped name: has the source such a key?
  };
  struct Streams;
  struct Scope;

  Task<Status> merge(Scope* scope);
  void compare_heads(Streams* streams, Leftover* leftover);
  void compare_named(Streams* streams, const TargetName& name, Leftover* leftover);
  void settle_unnamed(const SourceEntry& entry, std::string why);
  void settle_alone(const TargetObject& there, Leftover* leftover);
  Task<Status> look_up(Leftover* leftover);
  Task<Status> look_up_target(Aside aside, std::vector<Pair>* closer);
  Task<Status> look_up_source(TargetObject stray);
  void settle_source(const SourceEntry& entry, const TargetObject* there, std::vector<Pair>* closer);
  void choose(Pair pair, std::vector<Pair>* closer);
  void leave_out(Pair pair, std::vector<Pair>* closer);
  void settle_extra(const TargetObject& there);
  Task<> look_at(Scope* scope, std::vector<Pair> pairs);
  Task<> look_closer(Pair pair);
  Task<Result<ObjectMeta>> ask(const SourceEntry* entry);
  Task<Judgement> compare_bytes(const Pair* pair, std::optional<ObjectMeta>* meta);
  void conclude(const SourceEntry& entry, const TargetObject* there, Judgement judgement);
  [[nodiscard]] bool in_scope(const SourceEntry& entry) const;
  [[nodiscard]] Detail detail() const { return options_.metadata ? Detail::kMetadata : Detail::kIdentity; }
  [[nodiscard]] bool in_scope(const ObjectKey& source_key) const;

  using Drawn = std::pair<std::uint64_t, Pair>;
  static bool later(const Drawn& a, const Drawn& b) { return a.first < b.first; }

  Job job_;
  VerifyOptions options_;
  ObjectSource* source_;
  ObjectTarget* target_;
  VerifyTally* tally_;
  FindingSink* sink_;
  BufferPool buffers_;
  std::vector<Drawn> drawn_;  ///< a sample of a fixed size: heap, the latest in the draw on top
};

}  // namespace ferry
