#pragma once
#include <fmt/format.h>

#include <functional>
#include <string_view>

namespace axl::log {

/// Rank 0 speaks unless asked: other ranks print warnings and errors only, each line tagged with
/// its rank. Everything goes to standard error, so that standard output stays machine-readable.
enum class Level { debug, info, warning, error };

struct Options {
  int rank = 0;
  bool all_ranks = false;  ///< --log-all-ranks
  Level level = Level::info;
  bool json = false;  ///< one JSON object a line: {"time","level","rank","message"}
};

void configure(const Options& options);
void write(Level level, std::string_view message);
/// Rank 0, or any rank that was asked to speak.
bool speaks_for_all();
/// Called before every line that is printed, so that a progress bar can get out of its way; an
/// empty function ends that.
void before_each_line(std::function<void()> hook);

template <class... A>
void debug(fmt::format_string<A...> f, A&&... a) {
  write(Level::debug, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void info(fmt::format_string<A...> f, A&&... a) {
  write(Level::info, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void warning(fmt::format_string<A...> f, A&&... a) {
  write(Level::warning, fmt::format(f, std::forward<A>(a)...));
}
/// A warning that every rank comes to by itself, from the same files: rank 0 speaks for all.
template <class... A>
void common_warning(fmt::format_string<A...> f, A&&... a) {
  if (speaks_for_all()) write(Level::warning, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void error(fmt::format_string<A...> f, A&&... a) {
  write(Level::error, fmt::format(f, std::forward<A>(a)...));
}

}  // namespace axl::log
