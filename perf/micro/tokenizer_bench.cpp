// Load time and single-thread throughput of the tokenizer. Prints one JSON line; tokenizer_bench.py
// runs it beside the `tokenizers` package.
//   bench_tokenizer TOKENIZER TEXT [IDS_OUT]
// TEXT is encoded line by line (a line keeps its line end); IDS_OUT receives all ids as int32.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "tokenizer/tokenizer.hpp"

namespace {

using axl::tokenizer::TokenId;
using axl::tokenizer::Tokenizer;

/// Processor time of this thread: what a neighbour takes on a shared machine does not count.
double cpu_seconds() {
  std::timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t n = std::min(
        text.size(), text.find('\n') == std::string_view::npos ? text.size() : text.find('\n') + 1);
    lines.push_back(text.substr(0, n));
    text.remove_prefix(n);
  }
  return lines;
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

int run(const std::string& tokenizer, const std::string& file, const char* ids_out) {
  std::ifstream in(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto lines = lines_of(text);
  std::vector<double> load, warm;
  for (int i = 0; i < 5; ++i) {
    const auto start = cpu_seconds();
    const Tokenizer t = Tokenizer::load(tokenizer);
    load.push_back(cpu_seconds() - start);
  }
  const Tokenizer t = Tokenizer::load(tokenizer);
  std::vector<TokenId> ids;
  double cold = 0;
  for (int round = 0; round < 6; ++round) {
    ids.clear();
    const auto start = cpu_seconds();
    for (const std::string_view line : lines) t.encode_to(line, false, ids);
    (round == 0 ? cold : warm.emplace_back()) = cpu_seconds() - start;
  }
  if (ids_out != nullptr) {
    std::ofstream out(ids_out, std::ios::binary);
    out.write(reinterpret_cast<const char*>(ids.data()),
              static_cast<std::streamsize>(ids.size() * sizeof(TokenId)));
  }
  const auto n = static_cast<double>(ids.size());
  fmt::print(
      "{{\"load_ms\": {:.2f}, \"tokens\": {}, \"bytes\": {}, \"cold_tokens_per_s\": {:.0f}, "
      "\"warm_tokens_per_s\": {:.0f}}}\n",
      median(load) * 1e3, ids.size(), text.size(), n / cold, n / median(warm));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: bench_tokenizer TOKENIZER TEXT [IDS_OUT]\n");
    return 2;
  }
  try {
    return run(argv[1], argv[2], argc > 3 ? argv[3] : nullptr);
  } catch (const axl::Error& e) {
    fmt::print(stderr, "error: {}\n", e.what());
    return e.exit_code();
  }
}
