// Parts dealt to threads: each once, and the earliest error whatever the timing.
#include "data/workers.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

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

}  // namespace
}  // namespace axl::data
