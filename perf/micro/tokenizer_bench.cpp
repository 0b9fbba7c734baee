// Load time and throughput of the tokenizer. Prints one JSON line; perf/tokenizer_bench.py runs it
// beside other tokenizers.
//   bench_tokenizer TOKENIZER TEXTS [IDS_OUT]
// TEXTS holds documents with a NUL byte behind each; they are encoded one by one. IDS_OUT receives
// the ids as int32, a -1 behind each document. load_ms, cold_s (the first pass) and warm_s (a later
// one) are processor time of one thread; "threads" lists [threads, tokens a second of wall
// time] for 1, 2, 4, ... threads, warm.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/error.hpp"
#include "tokenizer/tokenizer.hpp"

namespace {

using axl::tokenizer::TokenId;
using axl::tokenizer::Tokenizer;
using Documents = std::vector<std::string_view>;

/// Processor time of this thread: what a neighbour takes on a shared machine does not count.
double cpu_seconds() {
  std::timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Documents documents_of(std::string_view text) {
  Documents out;
  for (std::size_t end; (end = text.find('\0')) != std::string_view::npos;
       text.remove_prefix(end + 1))
    out.push_back(text.substr(0, end));
  return out;
}

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

/// Tokens a second of `count` threads that share the documents, which come again and again so that
/// a pass takes about half a second however many threads there are; the best of some passes.
double parallel_rate(const Tokenizer& t, const Documents& documents, std::size_t count,
                     double seconds_alone) {
  constexpr int kPasses = 3;
  constexpr std::size_t kPart = 16;
  const double rounds = std::max(1.0, 0.5 / seconds_alone);
  const auto all = static_cast<std::size_t>(rounds * static_cast<double>(count)) * documents.size();
  double best = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    std::atomic<std::size_t> next{0}, tokens{0};
    const auto work = [&] {
      std::vector<TokenId> ids;
      for (std::size_t begin; (begin = next.fetch_add(kPart)) < all;) {
        ids.clear();
        for (std::size_t i = begin; i < std::min(begin + kPart, all); ++i)
          t.encode_to(documents[i % documents.size()], false, ids);
        tokens += ids.size();
      }
    };
    const double start = wall_seconds();
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back(work);
    for (std::thread& thread : threads) thread.join();
    best = std::max(best, static_cast<double>(tokens) / (wall_seconds() - start));
  }
  return best;
}

void write_ids(const Tokenizer& t, const Documents& documents, const char* path) {
  std::ofstream out(path, std::ios::binary);
  for (const std::string_view document : documents) {
    std::vector<TokenId> ids = t.encode(document, false);
    ids.push_back(-1);
    out.write(reinterpret_cast<const char*>(ids.data()),
              static_cast<std::streamsize>(ids.size() * sizeof(TokenId)));
  }
}

int run(const std::string& tokenizer, const std::string& file, const char* ids_out) {
  constexpr int kLoads = 5, kWarmPasses = 5;
  std::ifstream in(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const Documents documents = documents_of(text);
  std::vector<double> load, warm;
  std::vector<std::string> threads;
  for (int i = 0; i < kLoads; ++i) {
    const auto start = cpu_seconds();
    const Tokenizer t = Tokenizer::load(tokenizer);
    load.push_back(cpu_seconds() - start);
  }
  const Tokenizer t = Tokenizer::load(tokenizer);
  std::vector<TokenId> ids;
  double cold = 0;
  for (int pass = 0; pass <= kWarmPasses; ++pass) {
    ids.clear();
    const auto start = cpu_seconds();
    for (const std::string_view document : documents) t.encode_to(document, false, ids);
    (pass == 0 ? cold : warm.emplace_back()) = cpu_seconds() - start;
  }
  const std::size_t most = std::max(1U, std::thread::hardware_concurrency());
  for (std::size_t n = 1;; n = std::min(2 * n, most)) {
    threads.push_back(fmt::format("[{}, {:.0f}]", n, parallel_rate(t, documents, n, median(warm))));
    if (n == most) break;
  }
  if (ids_out != nullptr) write_ids(t, documents, ids_out);
  fmt::print(
      "{{\"load_ms\": {:.2f}, \"tokens\": {}, \"bytes\": {}, \"cold_s\": {:.6f}, \"warm_s\": "
      "{:.6f}, "
      "\"threads\": [{}]}}\n",
      median(load) * 1e3, ids.size(), text.size() - documents.size(), cold, median(warm),
      fmt::join(threads, ", "));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: bench_tokenizer TOKENIZER TEXTS [IDS_OUT]\n");
    return 2;
  }
  try {
    return run(argv[1], argv[2], argc > 3 ? argv[3] : nullptr);
  } catch (const axl::Error& e) {
    fmt::print(stderr, "error: {}\n", e.what());
    return e.exit_code();
  }
}
