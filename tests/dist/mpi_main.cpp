// main() of every MPI test: all ranks run the same tests, a failure on any rank fails all, and a
// rank that is stuck says in which test.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>

#include "parallel/comm.hpp"

namespace {

/// Ends a job that hangs, naming test and rank, before CTest's own limit does it in silence.
class Watchdog : public ::testing::EmptyTestEventListener {
 public:
  explicit Watchdog(int rank) : rank_(rank), thread_([this] { watch(); }) {}
  ~Watchdog() override {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }
  void OnTestStart(const ::testing::TestInfo& info) override {
    const std::lock_guard lock(mutex_);
    name_ = std::string(info.test_suite_name()) + "." + info.name();
  }

 private:
  static std::chrono::seconds patience() {
    const char* factor = std::getenv("AXL_TIME_FACTOR");  // tests/CMakeLists.txt
    return std::chrono::seconds(100) * (factor == nullptr ? 1 : std::max(1, std::atoi(factor)));
  }
  void watch() {
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, patience(), [this] { return done_; })) return;
    std::fprintf(stderr, "[rank %d] stuck in %s\n", rank_, name_.c_str());
    std::_Exit(3);
  }
  int rank_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string name_ = "(before the first test)";
  bool done_ = false;
  std::thread thread_;
};

/// Failures of the other ranks than 0, whose standard printer is off.
class RankPrinter : public ::testing::EmptyTestEventListener {
 public:
  explicit RankPrinter(int rank) : rank_(rank) {}
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (result.failed())
      std::fprintf(stderr, "[rank %d] %s:%d: %s\n", rank_,
                   result.file_name() == nullptr ? "?" : result.file_name(), result.line_number(),
                   result.message());
  }

 private:
  int rank_;
};

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const axl::parallel::MpiSession session(&argc, &argv);
  axl::parallel::Comm world = axl::parallel::Comm::world();
  auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
  if (world.rank() != 0) {
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new RankPrinter(world.rank()));
  }
  listeners.Append(new Watchdog(world.rank()));
  const std::int64_t worst = world.max(std::int64_t{RUN_ALL_TESTS()});
  if (world.rank() == 0 && worst != 0) std::printf("a test failed on some rank\n");
  world.close();
  return static_cast<int>(worst);
}
