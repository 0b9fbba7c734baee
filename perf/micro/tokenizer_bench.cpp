// Load time and throughput of the tokenizer. Prints one JSON line; perf/tokenizer_bench.py runs it
// beside other tokenizers.
//   bench_tokenizer TOKENIZER TEXTS [IDS_OUT]
// TEXTS holds documents with a NUL byte behind each; they are encoded one by one. IDS_OUT receives
// the ids as int32, a -1 behind each document. load_ms, cold_s (the first pass) and warm_s (a later
// one) are processor time of one thread; "threads" lists tokens a second of wall time with 1, 2,
// ... threads, warm.
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

/// Tokens a second of `count` threads that share the documents, the best of some passes.
double parallel_rate(const Tokenizer& t, const Documents& documents, std::size_t count) {
  constexpr int kPasses = 6;
  constexpr std::size_t kPart = 16;
  double best = 0;
  for (int pass = 0; pass < kPasses; ++pass) {
    std::atomic<std::size_t> next{0}, tokens{0};
    const auto work = [&] {
      std::vector<TokenId> ids;
      for (std::size_t begin; (begin = next.fetch_add(kPart)) < documents.size();) {
        ids.clear();
        for (std::size_t i = begin; i < std::min(begin + kPart, documents.size()); ++i)
          t.encode_to(documents[i], false, ids);
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
  std::vector<double> load, warm, threads;
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
  for (std::size_t n = 1; n <= std::max(1U, std::thread::hardware_concurrency()); ++n)
    threads.push_back(parallel_rate(t, documents, n));
  if (ids_out != nullptr) write_ids(t, documents, ids_out);
  fmt::print(
      "{{\"load_ms\": {:.2f}, \"tokens\": {}, \"bytes\": {}, \"cold_s\": {:.6f}, \"warm_s\": "
      "{:.6f}, "
      "\"threads\": [{:.0f}]}}\n",
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
