#include "app/solo_run.hpp"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

#include "app/unexpected.hpp"
#include "kit/async/wake.hpp"

namespace ferry::app {

SoloRun::Ending SoloRun::run(Task<Status> work) {
  work_.spawn(keep_result(std::move(work)));
  asio::co_spawn(context_, wind_up(), [this](const std::exception_ptr& error) {
    if (error) result_ = fail(unexpected(error));
    context_.stop();  // pooled connections and their timers are no reason to stay
  });
  context_.run();
  Wake::quiesce();
  Ending ending;
  if (result_ && !*result_) ending.broken = std::move(*result_).error();
  ending.interrupted = signals_.heard() && !(result_ && *result_);
  return ending;
}

Task<> SoloRun::keep_result(Task<Status> work) { result_ = co_await std::move(work); }

Task<> SoloRun::wind_up() {
  co_await work_.join();
  beside_.cancel();
  co_await beside_.join();
}

}  // namespace ferry::app
