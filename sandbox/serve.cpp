#include "sandbox/serve.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "kit/base/text.hpp"
#include "kit/net/http_server.hpp"
#include "sandbox/text_out.hpp"

namespace ferry::sandbox {
namespace {

int complain(const Error& error) {
  std::fprintf(stderr, "bucketferry-sandbox: %s\n", error.what.c_str());
  return 2;
}

/// One thread with its own event loop and one server per port.
class Worker {
 public:
  Status add(Sandbox* sandbox, Service* service, net::ServerOptions options, std::uint16_t* port) {
    options.port = *port;
    auto server = net::make_http_server(
        context_.get_executor(), std::move(options),
        [sandbox, service](net::ServerExchange* exchange) { return sandbox->handle(service, exchange); },
        system_clock());
    if (!server) return fail(std::move(server).error());
    *port = (*server)->port();
    servers_.push_back(*std::move(server));
    return {};
  }
  void start() {
    for (const auto& server : servers_) asio::co_spawn(context_, server->run(), [](std::exception_ptr) {});
    thread_ = std::thread([this] { context_.run(); });
  }
  void stop() {
    asio::post(context_, [this] {
      for (const auto& server : servers_) server->stop();
    });
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  asio::io_context context_{1};
  std::vector<std::unique_ptr<net::HttpServer>> servers_;
  std::thread thread_;
};

/// Removes the key file that was made for this run.
class KeyFile {
 public:
  static Result<KeyFile> write(std::optional<std::string> path, const std::string& text) {
    KeyFile file;
    file.temporary_ = !path;
    file.path_ = path.value_or(
        (std::filesystem::temp_directory_path() / fmt::format("bucketferry-sandbox-{}.json", ::getpid())).string());
    const int fd = ::open(file.path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    const bool written = fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (fd >= 0) ::close(fd);
    if (!written) return fail(ErrorKind::kInvalid, "service-account file " + file.path_ + " can't be written");
    return file;
  }
  KeyFile(KeyFile&& other) noexcept : path_(std::exchange(other.path_, {})), temporary_(other.temporary_) {}
  KeyFile& operator=(KeyFile&&) = delete;
  ~KeyFile() {
    if (temporary_ && !path_.empty()) ::unlink(path_.c_str());
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  KeyFile() = default;
  std::string path_;
  bool temporary_ = false;
};

/// Threads share a port, and so could a second sandbox by mistake: every other request would then go to a stranger.
Status check_port_is_free(const std::string& address, std::uint16_t port) {
  using asio::ip::tcp;
  boost::system::error_code bad;
  const auto ip = asio::ip::make_address(address, bad);
  if (bad) return fail(ErrorKind::kInvalid, "--address '" + printable(address) + "': an IP address is expected");
  asio::io_context context{1};
  tcp::acceptor probe(context);
  probe.open(tcp::endpoint(ip, port).protocol(), bad);
  if (!bad) probe.set_option(tcp::acceptor::reuse_address(true), bad);
  if (!bad) probe.bind(tcp::endpoint(ip, port), bad);
  if (bad) return fail(ErrorKind::kInvalid, fmt::format("port {} on {}: {}", port, address, bad.message()));
  return {};
}

struct Ports {
  std::uint16_t s3 = 0, gcs = 0, token = 0, pubsub = 0, identity = 0;
};

Status add_servers(const ServeOptions& options, Sandbox* sandbox, Worker* worker, Ports* ports) {
  net::ServerOptions server;
  server.address = options.address;
  server.reuse_port = options.threads > 1;
  server.certificate_file = options.certificate_file;
  server.key_file = options.key_file;
  const std::tuple<const std::optional<std::uint16_t>&, Service*, std::uint16_t*> wanted[] = {
      {options.s3, sandbox->s3(), &ports->s3},
      {options.gcs, sandbox->gcs(), &ports->gcs},
      {options.token, sandbox->token(), &ports->token},
      {options.identity, sandbox->identity(), &ports->identity}};
  for (const auto& [port, service, chosen] : wanted) {
    if (!port) continue;
    if (*chosen == 0) {
      if (auto is_free = check_port_is_free(options.address, *port); !is_free) return is_free;
    }
    if (*chosen == 0) *chosen = *port;  // the first worker may get any free port, the others share it
    if (auto added = worker->add(sandbox, service, server, chosen); !added) return added;
  }
  return {};
}

Result<std::string> read_pem(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file || text.empty()) return fail(ErrorKind::kInvalid, path + ": can't be read");
  return text;
}

Status start_pubsub(const ServeOptions& options, Sandbox* sandbox, Ports* ports) {
  if (!options.pubsub) return {};
  pubsub::ServerOptions server;
  server.address = options.address;
  server.port = *options.pubsub;
  if (options.certificate_file && options.key_file) {
    auto certificate = read_pem(*options.certificate_file);
    if (!certificate) return fail(std::move(certificate).error());
    auto key = read_pem(*options.key_file);
    if (!key) return fail(std::move(key).error());
    server.certificate_pem = *std::move(certificate);
    server.key_pem = *std::move(key);
  }
  if (auto started = sandbox->start_pubsub(std::move(server)); !started) return started;
  ports->pubsub = sandbox->pubsub()->port();
  return {};
}

std::string ready_line(const ServeOptions& options, const Ports& ports, const std::string& key_file) {
  const auto url = [&](std::uint16_t port) {
    return fmt::format("{}://{}:{}", options.certificate_file ? "https" : "http", options.address, port);
  };
  const auto& keys = options.settings.s3.keys;
  std::string line;
  JsonObject json(&line);
  json.text("event", "ready").number("pid", static_cast<std::uint64_t>(::getpid()));
  if (options.s3) {
    json.text("s3", url(ports.s3))
        .text("access_key_id", keys.access_key_id)
        .text("secret_access_key", keys.secret_access_key);
    if (keys.session_token) json.text("session_token", *keys.session_token);
    json.text("region", options.settings.s3.region);
  }
  if (options.gcs) json.text("gcs", url(ports.gcs));
  if (options.pubsub) json.text("pubsub", fmt::format("{}:{}", options.address, ports.pubsub));
  if (options.identity) json.text("identity", url(ports.identity));
  json.text("token_uri", url(options.token ? ports.token : ports.gcs) + "/token")
      .text("service_account_file", key_file);
  json.end();
  return line + "\n";
}

/// The log reaches its file within a moment, also when nothing more happens.
Task<> flush_now_and_then(EventLog* log) {
  for (;;) {
    co_await system_clock()->sleep(Milliseconds{200});
    log->flush();
  }
}

void wait_for_signal(EventLog* log) {
  asio::io_context context{1};
  asio::signal_set signals(context, SIGTERM, SIGINT);
  signals.async_wait([&](const boost::system::error_code&, int) { context.stop(); });
  asio::co_spawn(context, flush_now_and_then(log), [](std::exception_ptr) {});
  context.run();
}

}  // namespace

int serve(ServeOptions options) {
  std::signal(SIGPIPE, SIG_IGN);
  if (!options.s3 && !options.gcs && !options.token && !options.pubsub) {
    return complain(Error(ErrorKind::kInvalid,
                          "nothing to serve: give --s3 PORT, --gcs PORT, --pubsub PORT or several (0: any free port)"));
  }
  options.settings.gcs.tls = options.certificate_file.has_value();
  auto sandbox = Sandbox::make(options.settings, system_clock(), system_rng());
  if (!sandbox) return complain(sandbox.error());
  if (auto added = (*sandbox)->faults().add_lines(options.faults); !added) return complain(added.error());

  std::vector<std::unique_ptr<Worker>> workers;
  Ports ports;
  for (unsigned i = 0; i < options.threads; ++i) {
    workers.push_back(std::make_unique<Worker>());
    if (auto added = add_servers(options, sandbox->get(), workers.back().get(), &ports); !added)
      return complain(added.error());
  }
  if (auto started = start_pubsub(options, sandbox->get(), &ports); !started) return complain(started.error());
  const auto token_uri = fmt::format("{}://{}:{}/token", options.certificate_file ? "https" : "http", options.address,
                                     options.token ? ports.token : ports.gcs);
  (*sandbox)->token()->set_audience(token_uri);
  const auto key_file = KeyFile::write(options.service_account_file, (*sandbox)->account().key_file(token_uri));
  if (!key_file) return complain(key_file.error());

  for (const auto& worker : workers) worker->start();
  const auto line = ready_line(options, ports, key_file->path());
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
  wait_for_signal(&(*sandbox)->log());
  for (const auto& worker : workers) worker->stop();
  for (const auto& worker : workers) worker->join();
  return 0;
}

}  // namespace ferry::sandbox
