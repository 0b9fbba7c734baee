// Parsing and validating one configuration, and starting the program for it.
//   bench_config CONFIG [PROGRAM]        for example configs/quickstart.yaml bin/axolotl-hpc
#include <fmt/format.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "config/config.hpp"

extern char** environ;

namespace {

constexpr int kRuns = 50;

/// Median of kRuns calls in microseconds, after one call that warms up.
template <class Body>
double median_us(Body&& body) {
  body();
  std::vector<double> times;
  for (int i = 0; i < kRuns; ++i) {
    const auto start = std::chrono::steady_clock::now();
    body();
    times.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
            .count());
  }
  std::nth_element(times.begin(), times.begin() + kRuns / 2, times.end());
  return times[kRuns / 2];
}

/// Starts the program, waits for it, and fails the benchmark when it failed.
void start(const std::string& program, const std::vector<std::string>& arguments) {
  std::vector<char*> argv{const_cast<char*>(program.c_str())};
  for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", 1 /* O_WRONLY */, 0);
  pid_t pid = 0;
  int status = 1;
  const int failed = posix_spawn(&pid, program.c_str(), &quiet, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&quiet);
  if (failed != 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
    fmt::print(stderr, "error: {} did not end well\n", program);
    std::exit(1);
  }
}

void report(const char* op, double us, double target_us) {
  fmt::print("{{\"op\": \"{}\", \"us\": {:.0f}, \"target_us\": {:.0f}, \"ratio\": {:.2f}}}\n", op,
             us, target_us, us / target_us);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: bench_config CONFIG [PROGRAM]\n");
    return 2;
  }
  const std::string file = argv[1];
  const auto result = axl::config::load(file, {});
  if (!result.accepted()) {
    fmt::print(stderr, "error: {}\n", to_string(result.errors.front()));
    return 2;
  }
  report("config.load", median_us([&file] { axl::config::load(file, {}); }), 5000);
  if (argc > 2) {
    const std::string program = argv[2];
    report("start.version", median_us([&program] { start(program, {"version"}); }), 50000);
    report("start.validate", median_us([&program, &file] {
             start(program, {"validate", file});
           }),
           50000);
    rusage children{};
    getrusage(RUSAGE_CHILDREN, &children);
    fmt::print("{{\"op\": \"memory.validate\", \"peak_mb\": {:.1f}, \"target_mb\": 50}}\n",
               static_cast<double>(children.ru_maxrss) / 1024);
  }
  return 0;
}
