#include "source/catalog/catalog_source.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "kit/async/task_group.hpp"
#include "kit/base/text.hpp"
#include "source/catalog/catalog.hpp"

namespace ferry::catalog {
namespace {

constexpr std::size_t kListedPage = 1000;
constexpr std::size_t kLookedUpPage = 256;
constexpr std::size_t kLookUpsMax = 64;  // at once

// Tokens: "<" before the first key, ">KEY" behind that one.
std::string token_behind(const std::optional<ObjectKey>& key) { return key ? ">" + key->str() : "<"; }

class CatalogSource final : public ObjectSource {
 public:
  CatalogSource(std::shared_ptr<Catalog> catalog, std::unique_ptr<ObjectSource> live,
                std::unique_ptr<ObjectSource> shelf)
      : catalog_(std::move(catalog)), live_(std::move(live)), shelf_(std::move(shelf)) {}

  Task<Result<SourcePage>> list(std::string prefix, std::optional<std::string> token,
                                std::optional<ObjectKey> after) override {
    if (token) co_return co_await page(std::move(prefix), *std::move(token));
    auto looked = co_await catalog_->look(shelf_.get());
    if (!looked) co_return fail(std::move(looked).error());
    SourcePage none;
    none.next = token_behind(after);
    co_return none;
  }
  Task<Result<std::unique_ptr<ObjectReader>>> open(ObjectKey key, std::optional<ETag> expected, std::uint64_t offset,
                                                   std::optional<VersionId> version) override {
    return live_->open(std::move(key), std::move(expected), offset, std::move(version));
  }
  Task<Result<ObjectMeta>> stat(ObjectKey key, std::optional<VersionId> version) override {
    return live_->stat(std::move(key), std::move(version));
  }
  Task<Result<std::optional<std::uint64_t>>> part_size(ObjectKey key, ETag expected, std::uint32_t number,
                                                       std::optional<VersionId> version) override {
    return live_->part_size(std::move(key), std::move(expected), number, std::move(version));
  }
  Task<Result<Tags>> tags(ObjectKey key, std::optional<VersionId> version) override {
    return live_->tags(std::move(key), std::move(version));
  }
  Task<Result<RestoreAnswer>> restore(ObjectKey key, RestoreWish wish, std::optional<VersionId> version) override {
    return live_->restore(std::move(key), std::move(wish), std::move(version));
  }
  std::uint64_t requests() const override { return live_->requests() + (shelf_ ? shelf_->requests() : 0); }

 private:
  Task<Result<SourcePage>> page(std::string prefix, std::string token) {
    auto loaded = co_await catalog_->load(shelf_.get(), std::move(prefix));
    if (!loaded) co_return fail(std::move(loaded).error());
    std::optional<std::string> after;
    if (token.starts_with('>')) after = token.substr(1);
    const bool looks_up = catalog_->kind() == Kind::kKeys;
    const auto limit = looks_up ? kLookedUpPage : kListedPage;
    auto entries = co_await catalog_->page(std::move(after), limit);
    if (!entries) co_return fail(std::move(entries).error());
    SourcePage page;
    page.entries = *std::move(entries);
    if (page.entries.size() == limit) page.next = token_behind(page.entries.back().key);
    if (looks_up) {
      auto described = co_await describe(&page.entries);
      if (!described) co_return fail(std::move(described).error());
    }
    co_return page;
  }

  Task<Status> describe(std::vector<SourceEntry>* entries) {
    std::optional<Error> broken;
    TaskGroup look_ups{co_await asio::this_coro::executor};
    for (auto& entry : *entries) {
      co_await look_ups.below(kLookUpsMax);
      if (broken) break;
      look_ups.spawn(describe_one(&entry, &broken));
    }
    co_await look_ups.join();
    if (broken) co_return fail(*std::move(broken));
    co_return refuses_everything(*entries);
  }

  Task<> describe_one(SourceEntry* entry, std::optional<Error>* broken) {
    auto meta = co_await live_->stat(entry->key, entry->version.version_id);
    if (meta) {
      auto wanted = std::move(entry->version.version_id);
      entry->version = std::move(meta->version);
      entry->version.version_id = std::move(wanted);
      entry->size = meta->size;
      entry->storage_class = std::move(meta->storage_class);
      entry->access = meta->access;
    } else if (meta.error().kind == ErrorKind::kUnavailable) {
      *broken = std::move(meta).error();
    } else {
      entry->trouble = std::move(meta).error().during("named by the " + catalog_->name());
    }
  }

  /// A wrong credential is a fault of the set-up, not of each of the objects.
  Status refuses_everything(const std::vector<SourceEntry>& entries) {
    const auto denied = [](const SourceEntry& entry) {
      return entry.trouble && entry.trouble->kind == ErrorKind::kDenied;
    };
    if (answered_ || entries.empty()) return Unit{};
    if (std::ranges::all_of(entries, denied)) return fail(*entries.front().trouble);
    answered_ = true;
    return Unit{};
  }

  std::shared_ptr<Catalog> catalog_;
  std::unique_ptr<ObjectSource> live_, shelf_;
  bool answered_ = false;  ///< some key was not refused
};

}  // namespace

std::shared_ptr<Catalog> make_catalog(Place place) { return std::make_shared<Catalog>(std::move(place)); }

std::unique_ptr<ObjectSource> catalog_source(std::shared_ptr<Catalog> catalog, std::unique_ptr<ObjectSource> live,
                                             std::unique_ptr<ObjectSource> shelf) {
  return std::make_unique<CatalogSource>(std::move(catalog), std::move(live), std::move(shelf));
}

}  // namespace ferry::catalog
