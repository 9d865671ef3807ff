#include "testing/net/wire_relay.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <utility>

namespace ferry::testing {

/// Two sockets, each a buffer for what it says. Lives as long as one of its operations.
struct WireRelay::Wire : std::enable_shared_from_this<Wire> {
  explicit Wire(Socket caller) : near(std::move(caller)), far(near.get_executor()) {}

  struct Side {
    Socket* from;
    Socket* to;
    std::array<char, 64 * 1024> bytes;
  };

  void pump(Side* side) {
    side->from->async_read_some(
        asio::buffer(side->bytes), [this, self = shared_from_this(), side](auto code, auto got) {
          if (code) return end();
          asio::async_write(*side->to, asio::buffer(side->bytes, got), [this, self, side](auto failed, auto) {
            if (failed) return end();
            pump(side);
          });
        });
  }

  void end() {
    boost::system::error_code ignored;
    near.close(ignored);
    far.close(ignored);
  }

  Socket near, far;
  Side there{&near, &far, {}}, back{&far, &near, {}};
};

WireRelay::WireRelay(std::uint16_t server, const std::string& address, std::uint16_t port)
    : server_(asio::ip::address_v4::loopback(), server),
      acceptor_(context_.get_executor(), Tcp::endpoint{asio::ip::make_address_v4(address), port}),
      place_(acceptor_.local_endpoint()) {
  accept();
  thread_ = std::thread{[this] { context_.run(); }};
}

WireRelay::~WireRelay() {
  cut();
  on_thread([this] { acceptor_.close(); });
  guard_.reset();
  thread_.join();
}

std::string WireRelay::address() const { return place_.address().to_string() + ":" + std::to_string(port()); }

void WireRelay::cut() {
  on_thread([this] {
    cut_ = true;
    for (const auto& wire : wires_) {
      if (const auto alive = wire.lock()) alive->end();
    }
    wires_.clear();
  });
}

void WireRelay::mend() {
  on_thread([this] { cut_ = false; });
}

void WireRelay::accept() {
  acceptor_.async_accept([this](boost::system::error_code code, Socket caller) {
    if (code) return;
    accept();
    auto wire = std::make_shared<Wire>(std::move(caller));
    if (cut_) return wire->end();
    wires_.remove_if([](const auto& other) { return other.expired(); });
    wires_.push_back(wire);
    ++connections_;
    connect(wire);
  });
}

void WireRelay::connect(const std::shared_ptr<Wire>& wire) {
  wire->far.async_connect(server_, [wire](boost::system::error_code code) {
    if (code) return wire->end();
    boost::system::error_code ignored;
    wire->near.set_option(Tcp::no_delay(true), ignored);
    wire->far.set_option(Tcp::no_delay(true), ignored);
    wire->pump(&wire->there);
    wire->pump(&wire->back);
  });
}

/// Returns when it is done.
template <class Call>
void WireRelay::on_thread(Call call) {
  std::promise<void> done;
  asio::post(context_, [&] {
    call();
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace ferry::testing
