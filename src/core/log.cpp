#include "core/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>
#include <utility>

#include "core/json.hpp"
#include "core/utf8.hpp"

namespace axl::log {
namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warning:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

struct State {
  Options options;
  std::function<void()> before_line;
  std::shared_ptr<spdlog::logger> logger =
      std::make_shared<spdlog::logger>("axl", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  State() { logger->set_pattern("%v"); }
};

State& state() {
  static State s;
  return s;
}

}  // namespace

void configure(const Options& options) {
  state().options = options;
  state().logger->set_level(to_spdlog(options.level));
  state().logger->flush_on(spdlog::level::debug);
}

void before_each_line(std::function<void()> hook) { state().before_line = std::move(hook); }

bool speaks_for_all() { return state().options.rank == 0 || state().options.all_ranks; }

void write(Level level, std::string_view message) {
  State& s = state();
  const Options& o = s.options;
  if (!speaks_for_all() && level < Level::warning) return;
  if (s.before_line && level >= o.level) s.before_line();
  if (o.json) {
    static constexpr const char* kNames[] = {"debug", "info", "warning", "error"};
    const auto now =
        std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch());
    s.logger->log(to_spdlog(level), "{}",
                  json_text(nlohmann::json{{"time", now.count()},
                                           {"level", kNames[static_cast<int>(level)]},
                                           {"rank", o.rank},
                                           {"message", std::string(message)}}));
    return;
  }
  std::string line;
  if (o.rank != 0 || o.all_ranks) line += fmt::format("[rank {}] ", o.rank);
  if (level == Level::warning) line += "warning: ";
  if (level == Level::error) line += "error: ";
  line += printable(message);
  s.logger->log(to_spdlog(level), "{}", line);
}

}  // namespace axl::log
