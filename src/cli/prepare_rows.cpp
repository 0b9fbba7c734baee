#include "cli/prepare_rows.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "core/log.hpp"
#include "data/stream.hpp"

namespace axl::cli {

data::PrepareResult prepare_rows(const config::Config& config,
                                 const tokenizer::Tokenizer& tokenizer) {
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  bool drawn = false;
  if (data::is_streaming(config)) {
    data::PrepareResult sample = data::prepare_stream_sample(config, tokenizer);
    for (const std::string& warning : sample.warnings) log::warning("{}", warning);
    return sample;
  }
  data::PrepareResult result =
      data::prepare(config, tokenizer, [&](std::int64_t done, std::int64_t total) {
        if (!terminal || total == 0) return;
        constexpr std::int64_t kWidth = 30;
        const auto filled = static_cast<std::size_t>(kWidth * done / total);
        fmt::print(stderr, "\r{:3}% {}{}  {}/{} rows\x1b[K", 100 * done / total,
                   std::string(filled, '#'), std::string(kWidth - filled, '-'), done, total);
        std::fflush(stderr);
        drawn = true;
      });
  if (drawn) fmt::print(stderr, "\r\x1b[K");
  for (const std::string& warning : result.warnings) log::warning("{}", warning);
  return result;
}

}  // namespace axl::cli
