// Parts dealt to threads: each once, and the earliest error whatever the timing.
#include "data/workers.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/sanitizer.hpp"

namespace axl::data {
namespace {

TEST(Workers, EveryPartIsDoneOnce) {
  for (const std::int64_t threads : {1, 3, 8})
    for (const std::size_t count : {0U, 1U, 2U, 100U}) {
      std::vector<std::atomic<int>> done(count);
      run_parts(count, threads, [&] { return [&](std::size_t part) { ++done[part]; }; }, {});
      for (const std::atomic<int>& times : done) EXPECT_EQ(times, 1);
    }
}

TEST(Workers, TheEarliestErrorIsThrown) {
  for (const std::int64_t threads : {1, 4}) try {
      run_parts(20, threads,
                [] {
                  return [](std::size_t part) {
                    if (part >= 3) throw std::runtime_error("part " + std::to_string(part));
                  };
                },
                {});
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& e) {
      EXPECT_STREQ(e.what(), "part 3");
    }
}

TEST(Workers, AWorkerThatCannotBeMadeIsAnErrorToo) {
  for (const std::int64_t threads : {1, 4})
    EXPECT_THROW(
        run_parts(5, threads,
                  []() -> PartWorker { throw std::runtime_error("no worker for this thread"); },
                  {}),
        std::runtime_error);
}

// Threads that are still at work when the caller's exception passes must have ended before it
// arrives.
TEST(Workers, AWatcherThatThrowsStopsTheWork) {
  std::atomic<int> at_work{0}, done{0};
  EXPECT_THROW(run_parts(
                   1000000, 3,
                   [&] {
                     return [&](std::size_t) {
                       ++at_work;
                       std::this_thread::sleep_for(std::chrono::milliseconds(1));
                       ++done;
                       --at_work;
                     };
                   },
                   [] { throw std::runtime_error("standard error is closed"); }),
               std::runtime_error);
  EXPECT_EQ(at_work, 0);
  EXPECT_LT(done, 1000000);
}

/// Ends the process: its limit cannot be lifted again. A thread's stack takes 8 MiB.
[[noreturn]] void many_threads_in_little_room() {
  rlimit room{};
  room.rlim_cur = room.rlim_max = 512 << 20;
  if (!test::kSanitized) ::setrlimit(RLIMIT_AS, &room);
  std::vector<std::atomic<int>> done(500);
  const auto make_worker = [&] {
    return [&](std::size_t part) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ++done[part];
    };
  };
  run_parts(done.size(), 500, make_worker, {});
  for (const std::atomic<int>& times : done)
    if (times != 1) ::_exit(1);
  ::_exit(0);
}

TEST(Workers, FewerThreadsThanAskedForDoAllParts) {
  EXPECT_EXIT(many_threads_in_little_room(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace axl::data
