#pragma once
// The GCS server: the JSON API with its three kinds of upload, and GET, HEAD and PUT of single objects over the XML
// API.

#include <memory>
#include <optional>
#include <string>

#include "kit/async/clock.hpp"
#include "sandbox/event_log.hpp"
#include "sandbox/gcs_json.hpp"
#include "sandbox/gcs_store.hpp"
#include "sandbox/service.hpp"
#include "sandbox/token.hpp"

namespace ferry::sandbox {

struct GcsSettings {
  bool check_tokens = false;
  bool compute_md5 = true;  ///< off: only where the client declares one
  bool log_sha256 = true;   ///< of every commit
  bool tls = false;         ///< what session URIs begin with
};

class GcsService final : public Service {
 public:
  GcsService(GcsSettings settings, GcsStore* store, ByteStore* bytes, const TokenBook* tokens, EventLog* log, Rng* rng)
      : settings_(settings), store_(store), bytes_(bytes), tokens_(tokens), log_(log), rng_(rng) {}

  std::string_view name() const override { return "gcs"; }
  Route route(const net::ServerRequest& request) const override;
  Task<> serve(Call* call) override;
  void mutate(const std::string& bucket, const std::string& name,
              const std::optional<std::string>& replacement) override;

 private:
  using Failure = std::optional<GcsError>;  ///< of an operation: nothing = answered, or the connection is gone
  using Operation = Task<Failure> (GcsService::*)(Call*);
  struct Upload;
  struct Chunk;
  [[nodiscard]] static Operation operation(std::string_view name);
  [[nodiscard]] Failure let_in(const Call& call) const;
  Task<Failure> run(Call* call);
  Task<> refuse(Call* call, GcsError error);
  [[nodiscard]] std::string base_url(const Call& call) const;
  static Task<Failure> reply(Call* call, int status, std::string json);
  Task<Failure> reply_object(Call* call, GcsObjectPtr object);

  Task<Failure> list_buckets(Call* call);
  Task<Failure> get_bucket(Call* call);
  Task<Failure> insert_bucket(Call* call);
  Task<Failure> delete_bucket(Call* call);
  Task<Failure> storage_layout(Call* call);
  Task<Failure> test_permissions(Call* call);

  Task<Failure> list_objects(Call* call);
  Task<Failure> get_object(Call* call);
  Task<Failure> download_object(Call* call);
  Task<Failure> patch_object(Call* call);
  Task<Failure> delete_object(Call* call);
  Task<Failure> compose_object(Call* call);
  Task<Failure> copy_object(Call* call);
  [[nodiscard]] GcsResult<GcsObjectPtr> existing(const Call& call) const;
  Task<Failure> send_inflated(Call* call, GcsObjectPtr object, net::Headers headers);

  Task<Failure> insert_media(Call* call);
  Task<Failure> insert_multipart(Call* call);
  Task<Failure> put_xml(Call* call);
  Task<GcsResult<std::monostate>> read_body(Call* call, Intake* intake);
  Task<GcsResult<std::monostate>> read_related(Call* call, Upload* upload);
  [[nodiscard]] Digests wanted_digests(bool md5_declared) const;
  [[nodiscard]] GcsResult<GcsObjectPtr> finish(Call* call, Upload upload, std::string_view kind);
  void note_commit(const std::string& bucket, const std::string& name, const GcsObject& object,
                   std::string_view kind) const;

  Task<Failure> start_session(Call* call);
  Task<Failure> put_chunk(Call* call);
  [[nodiscard]] static GcsResult<Chunk> describe_chunk(const Wire& wire);
  Task<Failure> cancel_session(Call* call);
  Task<GcsResult<bool>> store_chunk(Call* call, GcsSession* session, Chunk* chunk);
  [[nodiscard]] GcsResult<GcsObjectPtr> finish_session(Call* call, GcsSession* session);
  Task<Failure> reply_incomplete(Call* call, std::uint64_t persisted);

  const GcsSettings settings_;
  GcsStore* const store_;
  ByteStore* const bytes_;
  const TokenBook* const tokens_;
  EventLog* const log_;
  Rng* const rng_;
};

}  // namespace ferry::sandbox
