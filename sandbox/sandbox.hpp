#pragma once
// All servers of the sandbox and what they share, without sockets: tests hand exchanges to it directly.

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/event_log.hpp"
#include "sandbox/gcs_service.hpp"
#include "sandbox/identity.hpp"
#include "sandbox/journal.hpp"
#include "sandbox/pubsub_watch.hpp"
#include "sandbox/s3_service.hpp"
#include "sandbox/token.hpp"

namespace ferry::sandbox {

struct Settings {
  S3Settings s3;
  GcsSettings gcs;
  std::vector<std::string> buckets_s3;  ///< NAME, or NAME@REGION
  std::vector<std::string> buckets_gcs;
  std::vector<std::string> buckets_open;  ///< S3 buckets that anybody may read
  std::vector<std::string> buckets_requester_pays;
  std::vector<SyntheticSpec> synthetic;
  std::optional<std::string> data_dir;  ///< nothing: memory
  std::optional<std::string> event_log;
  std::size_t events_kept = 100'000;
  bool discard = false;  ///< GCS: hash uploads and drop the bytes
  bool limit_mutations = false;
  std::chrono::seconds token_life{3600};
  std::shared_ptr<const ServiceAccount> account;  ///< nothing: a new one
  Pace pace;
};

class Sandbox {
 public:
  /// @error kInvalid: a file or folder that can't be used; a setting that contradicts another
  [[nodiscard]] static Result<std::unique_ptr<Sandbox>> make(Settings settings, Clock* clock, Rng* rng);

  /// Serves one request of `service`; paths below /_sandbox/ are the sandbox's own. Any thread.
  Task<> handle(Service* service, net::ServerExchange* exchange);

  /// Starts the broker, on threads of its own. @error kInvalid: the port is taken
  [[nodiscard]] Status start_pubsub(pubsub::ServerOptions options);
  [[nodiscard]] pubsub::Server* pubsub() { return pubsub_.get(); }  ///< null: not started

  [[nodiscard]] Service* s3() { return s3_.get(); }
  [[nodiscard]] Service* gcs() { return gcs_.get(); }
  [[nodiscard]] TokenService* token() { return token_.get(); }
  [[nodiscard]] Service* identity() { return identity_.get(); }
  [[nodiscard]] const ServiceAccount& account() const { return *account_; }
  [[nodiscard]] FaultTable& faults() { return faults_; }
  [[nodiscard]] EventLog& log() { return *log_; }
  [[nodiscard]] S3Store& s3_store() { return *s3_store_; }
  [[nodiscard]] GcsStore& gcs_store() { return *gcs_store_; }
  [[nodiscard]] TokenBook& tokens() { return tokens_; }

 private:
  Sandbox(Settings settings, Clock* clock, Rng* rng);
  [[nodiscard]] Status open();
  void make_buckets();
  Task<> administer(Wire* wire, std::string_view path);
  [[nodiscard]] std::optional<std::string> administer_pubsub(std::string_view method, std::string_view name,
                                                             const Target& target);
  void spoil(Service* service, Call* call, Wire* wire);

  const Settings settings_;
  Clock* const clock_;
  Rng* const rng_;
  const std::shared_ptr<const ServiceAccount> account_;
  TokenBook tokens_;
  KeyBook keys_;
  FaultTable faults_;
  std::unique_ptr<EventLog> log_;
  std::unique_ptr<ByteStore> s3_bytes_, gcs_bytes_;
  std::unique_ptr<S3Store> s3_store_;
  std::unique_ptr<GcsStore> gcs_store_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<S3Service> s3_;
  std::unique_ptr<GcsService> gcs_;
  std::unique_ptr<TokenService> token_;
  std::unique_ptr<IdentityService> identity_;
  std::unique_ptr<PubsubWatch> pubsub_watch_;
  std::unique_ptr<pubsub::Server> pubsub_;
};

}  // namespace ferry::sandbox
