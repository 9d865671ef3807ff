// bucketferry-sandbox: S3, Google Cloud Storage and Pub/Sub on one machine, without an account.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <thread>

#include "sandbox/fill.hpp"
#include "sandbox/serve.hpp"

namespace {

using ferry::sandbox::FillOptions;
using ferry::sandbox::ServeOptions;

constexpr const char* kFooter =
    R"(Prints one JSON line when ready: endpoints, S3 keys, path of a service-account file whose token_uri is this sandbox.
SIGTERM or SIGINT end it with 0.

Synthetic buckets are computed, not stored. Their keys are data/0000000/000, data/0000000/001, … in listing order; the bytes
of each are a slice of one pseudo-random stream, chosen by the bucket's name and the key. Hashing them for an MD5 ETag would
make a listing of ten million keys take hours, so their ETag is opaque, of the form of a one-part multipart upload
("…-1"), and what vouches for the bytes is a full-object CRC32C, computed by combining CRCs in microseconds.

Fault instructions are JSON, one per line, in the file of --faults or POSTed to /_sandbox/faults on any port:
  {"service":"s3","op":"GetObject","bucket":"b","key":"k","nth":2,"action":{"cut_after":100000}}
 which    service (s3 gcs token pubsub identity), op, bucket, key ("*" or left out: all), key_prefix; then nth, every, after, times,
          probability with seed. The first instruction that fires is applied.
 action   status with body, headers | "reset" | "cut"          answer at once, do nothing
          commit_then: status | "reset" | "cut" | {status, body}  do it, then answer that
          cut_after, reset_after, stall_after (with ms), flip_byte: n bytes into the body of an upload, else of the reply;
          "side":"request"|"response" chooses
          truncate_to with fix_length (true: Content-Length lies, too)
          persist_only: n bytes of this chunk of a resumable session
          delay_ms, rate (bytes per second), redirect, raw (base64), set_headers {name:value}, drop_headers [name]
          replace_object_at_byte {n, body[, bucket, key]}, delete_object_at_byte n | {n[, bucket, key]}
          Pub/Sub, with codes of gRPC by name: code; commit_then_code; swallow:true (answer OK, do nothing: a lost ack);
          for op Deliver, asked once per message: duplicate:true, shuffle:true (any message, not the oldest)
 S3 ops   ListBuckets CreateBucket DeleteBucket HeadBucket GetBucketLocation ListObjects ListObjectsV2 ListObjectVersions GetObject
          HeadObject PutObject CopyObject DeleteObject DeleteObjects CreateMultipartUpload UploadPart UploadPartCopy ListParts
          CompleteMultipartUpload AbortMultipartUpload GetObjectAttributes GetObjectTagging PutObjectTagging RestoreObject
 GCS ops  InsertMedia InsertMultipart StartSession PutChunk QuerySession CancelSession GetObject DownloadObject ListObjects
          PatchObject UpdateObject DeleteObject ComposeObject RewriteObject CopyObject GetBucket InsertBucket ListBuckets TestPermissions
          XmlGetObject XmlPutObject XmlDeleteObject; token: Token
 identity InstanceMetadata ContainerCredentials GoogleMetadata AssumeRole ExchangeToken
 pubsub   CreateTopic GetTopic ListTopics DeleteTopic Publish CreateSubscription GetSubscription ListSubscriptions DeleteSubscription
          Acknowledge ModifyAckDeadline Nack Pull StreamingPull Deliver; bucket is the topic's or subscription's full name

On every port, without credentials: GET /_sandbox/health, /_sandbox/events?after=N&limit=N, /_sandbox/counters,
/_sandbox/sessions (resumable uploads: open, finished, dead), /_sandbox/faults;
POST /_sandbox/faults, /_sandbox/reset (counters, events), /_sandbox/revoke-tokens; DELETE /_sandbox/faults.
With --pubsub also GET /_sandbox/pubsub (what each subscription holds), POST /_sandbox/pubsub/expire (all leases),
/_sandbox/pubsub/forget (topics and subscriptions, too), /_sandbox/pubsub/end-streams?code=UNAVAILABLE.

Examples
 1. Both clouds on free ports, in memory:      bucketferry-sandbox --s3 0 --gcs 0 --buckets-s3 photos --buckets-gcs photos
 2. Ten million objects of 4 KiB for a bench:  bucketferry-sandbox --s3 9000 --gcs 9001 --synthetic src:10M:4K --discard --no-sha --no-md5
 3. Fill it with awkward objects:              bucketferry-sandbox fill --endpoint http://127.0.0.1:9000 --access-key A --secret-key S --bucket photos)";

struct Texts {
  std::vector<std::string> synthetic;
  std::string access_key = "SANDBOXACCESSKEY", secret_key = "sandbox-secret-key", session_token, event_log, data,
              faults, rate = "0";
  std::string certificate, key, account_file, checksum = "crc64nvme", part_bytes = "5M";
  long latency_ms = 0, token_life = 3600, restore_seconds = 0;
};

void add_servers(CLI::App* app, ServeOptions* options, Texts* texts) {
  app->add_option("--s3", options->s3, "Serve S3 on this port (0: any free one)")->group("Servers");
  app->add_option("--gcs", options->gcs, "Serve Google Cloud Storage on this port")->group("Servers");
  app->add_option("--token", options->token,
                  "Serve the token endpoint on a port of its own [default: POST /token on the GCS port]")
      ->group("Servers");
  app->add_option("--pubsub", options->pubsub, "Serve Pub/Sub (gRPC) on this port")->group("Servers");
  app->add_option("--identity", options->identity,
                  "Serve stand-ins for IMDSv2, the container agent, STS, Google's metadata server and token exchange")
      ->group("Servers");
  app->add_option("--address", options->address, "Listen here")->capture_default_str()->group("Servers");
  app->add_option("--threads", options->threads, "Threads, all on the same ports")
      ->capture_default_str()
      ->check(CLI::Range(1, 64))
      ->group("Servers");
  app->add_option("--tls-cert", texts->certificate, "PEM certificate: serve TLS")->group("Servers");
  app->add_option("--tls-key", texts->key, "PEM key of the certificate")->group("Servers");
}

void add_contents(CLI::App* app, ServeOptions* options, Texts* texts) {
  auto& settings = options->settings;
  app->add_option("--buckets-s3", settings.buckets_s3, "S3 buckets to make: NAME or NAME@REGION,…")
      ->delimiter(',')
      ->group("Contents");
  app->add_option("--buckets-gcs", settings.buckets_gcs, "GCS buckets to make: NAME,…")
      ->delimiter(',')
      ->group("Contents");
  app->add_option("--public", settings.buckets_open, "S3 buckets that may be read without keys: NAME,…")
      ->delimiter(',')
      ->group("Contents");
  app->add_option("--requester-pays", settings.buckets_requester_pays,
                  "S3 buckets that only those may read who agree to pay: NAME,…")
      ->delimiter(',')
      ->group("Contents");
  app->add_option("--synthetic", texts->synthetic,
                  "BUCKET:COUNT:SIZE, computed S3 objects (K, M, G, T are powers of 1024); repeatable")
      ->group("Contents");
  app->add_option("--data", texts->data, "Keep everything in this folder [default: memory]")->group("Contents");
  app->add_flag("--discard", settings.discard, "GCS: drop uploaded bytes after hashing")->group("Contents");
}

void add_credentials(CLI::App* app, ServeOptions* options, Texts* texts) {
  auto& settings = options->settings;
  app->add_option("--access-key", texts->access_key, "S3 access key id")->capture_default_str()->group("Credentials");
  app->add_option("--secret-key", texts->secret_key, "S3 secret access key")
      ->capture_default_str()
      ->group("Credentials");
  app->add_option("--session-token", texts->session_token, "S3 session token that requests must carry")
      ->group("Credentials");
  app->add_option("--region", settings.s3.region, "Region of S3 buckets")->capture_default_str()->group("Credentials");
  app->add_flag("--gcs-auth", settings.gcs.check_tokens,
                "GCS: require tokens of the token endpoint [default: anonymous]")
      ->group("Credentials");
  app->add_option("--token-life", texts->token_life, "Seconds until an access token, or what --identity gives, expires")
      ->capture_default_str()
      ->check(CLI::Range(1, 86400))
      ->group("Credentials");
  app->add_option("--service-account", texts->account_file,
                  "Write the service-account file here [default: a temporary file]")
      ->group("Credentials");
}

void add_behaviour(CLI::App* app, ServeOptions* options, Texts* texts) {
  auto& settings = options->settings;
  app->add_option("--faults", texts->faults, "File of fault instructions")->group("Behaviour");
  app->add_option("--restore-seconds", texts->restore_seconds,
                  "From RestoreObject until an archived object can be read")
      ->capture_default_str()
      ->check(CLI::Range(0, 1'000'000))
      ->group("Behaviour");
  app->add_option("--latency", texts->latency_ms, "Milliseconds before each answer")
      ->check(CLI::NonNegativeNumber)
      ->group("Behaviour");
  app->add_option("--rate", texts->rate, "Bytes per second of each connection, each way (0: no limit)")
      ->capture_default_str()
      ->group("Behaviour");
  app->add_option("--default-checksum", texts->checksum,
                  "What S3 adds to uploads without a checksum: crc64nvme (as S3 does) or none")
      ->capture_default_str()
      ->check(CLI::IsMember({"crc64nvme", "none"}))
      ->group("Behaviour");
  app->add_option("--part-min", texts->part_bytes, "Smallest part of a multipart upload but the last")
      ->capture_default_str()
      ->group("Behaviour");
  app->add_flag("--limit-mutations", settings.limit_mutations, "GCS: 429 for more than one write per second and object")
      ->group("Behaviour");
}

void add_records(CLI::App* app, ServeOptions* options, Texts* texts) {
  auto& settings = options->settings;
  app->add_option("--event-log", texts->event_log, "Append every request and every commit to this file, as JSON lines")
      ->group("Records");
  app->add_option("--events-kept", settings.events_kept, "Newest events readable at /_sandbox/events")
      ->capture_default_str()
      ->group("Records");
  app->add_flag_callback(
         "--no-sha", [&settings] { settings.s3.log_sha256 = settings.gcs.log_sha256 = false; },
         "No SHA-256 of commits (for benchmarks)")
      ->group("Records");
  app->add_flag_callback(
         "--no-md5", [&settings] { settings.gcs.compute_md5 = false; },
         "GCS: no md5Hash unless the client declares one (for benchmarks)")
      ->group("Records");
}

/// Texts into settings. @error: what to write instead
ferry::Status apply(const Texts& texts, ServeOptions* options) {
  using ferry::ErrorKind;
  const auto set = [](const std::string& from, std::optional<std::string>* to) {
    if (!from.empty()) *to = from;
  };
  auto& settings = options->settings;
  settings.s3.keys.access_key_id = texts.access_key;
  settings.s3.keys.secret_access_key = texts.secret_key;
  set(texts.session_token, &settings.s3.keys.session_token);
  set(texts.event_log, &settings.event_log);
  set(texts.data, &settings.data_dir);
  set(texts.certificate, &options->certificate_file);
  set(texts.key, &options->key_file);
  set(texts.account_file, &options->service_account_file);
  if (options->certificate_file.has_value() != options->key_file.has_value()) {
    return ferry::fail(ErrorKind::kInvalid, "--tls-cert and --tls-key go together");
  }
  settings.s3.add_crc64nvme = texts.checksum != "none";
  settings.token_life = std::chrono::seconds(texts.token_life);
  settings.s3.restore_time = std::chrono::seconds(texts.restore_seconds);
  settings.pace.latency = ferry::Milliseconds(texts.latency_ms);
  const auto rate = ferry::sandbox::parse_size(texts.rate);
  const auto part = ferry::sandbox::parse_size(texts.part_bytes);
  if (!rate)
    return ferry::fail(ErrorKind::kInvalid, "--rate '" + texts.rate + "': a number of bytes, with K, M or G at will");
  if (!part)
    return ferry::fail(ErrorKind::kInvalid,
                       "--part-min '" + texts.part_bytes + "': a number of bytes, with K or M at will");
  settings.pace.bytes_per_second = *rate;
  settings.s3.part_bytes_min = *part;
  for (const auto& text : texts.synthetic) {
    auto spec = ferry::sandbox::parse_synthetic(text);
    if (!spec) return ferry::fail(std::move(spec).error());
    settings.synthetic.push_back(*std::move(spec));
  }
  if (!texts.faults.empty()) {
    std::ifstream file(texts.faults, std::ios::binary);
    if (!file) return ferry::fail(ErrorKind::kInvalid, "--faults " + texts.faults + ": can't be read");
    options->faults.assign(std::istreambuf_iterator<char>(file), {});
  }
  return {};
}

void add_fill(CLI::App* fill, FillOptions* options) {
  fill->add_option("--endpoint", options->endpoint, "URL of the S3 server")->required();
  fill->add_option("--access-key", options->access_key, "Access key id")->required();
  fill->add_option("--secret-key", options->secret_key, "Secret access key")->required();
  fill->add_option("--region", options->region, "Region to sign for")->capture_default_str();
  fill->add_option("--bucket", options->bucket, "Bucket; made if it is missing")->required();
  fill->add_option("--prefix", options->prefix, "Put before every key");
  fill->add_option("--recipe", options->recipe, "demo, small:COUNT:SIZE or large:COUNT:SIZE (large: in parts)")
      ->capture_default_str();
  fill->add_option("--seed", options->seed, "Same seed, same bytes")->capture_default_str();
  fill->add_option("--change", options->change, "Overwrite this many of the recipe's objects with new content instead");
  fill->add_flag("--with-illegal", options->with_illegal, "demo: also keys that GCS refuses (line feed, '.', '..')");
  fill->add_option("--parallel", options->parallel, "Uploads at a time")
      ->capture_default_str()
      ->check(CLI::Range(1, 256));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "S3, Google Cloud Storage and Pub/Sub on one machine, without an account: strict servers that can be told to "
      "fail.",
      "bucketferry-sandbox"};
  app.footer(kFooter);
  app.require_subcommand(0, 1);
  ServeOptions options;
  options.threads = std::clamp(std::thread::hardware_concurrency(), 1u, 4u);
  Texts texts;
  FillOptions fill_options;
  for (auto* target : {&app, app.add_subcommand("serve", "Serve (the default)")}) {
    add_servers(target, &options, &texts);
    add_contents(target, &options, &texts);
    add_credentials(target, &options, &texts);
    add_behaviour(target, &options, &texts);
    add_records(target, &options, &texts);
  }
  auto* fill = app.add_subcommand("fill", "Fill an S3 bucket over its API, so that a demo needs no other client");
  add_fill(fill, &fill_options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (*fill) return ferry::sandbox::fill(std::move(fill_options));
  if (auto applied = apply(texts, &options); !applied) {
    std::fprintf(stderr, "bucketferry-sandbox: %s\n", applied.error().what.c_str());
    return 2;
  }
  return ferry::sandbox::serve(std::move(options));
}
