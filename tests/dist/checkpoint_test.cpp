#include "checkpoint/checkpoint.hpp"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "checkpoint/manifest.hpp"
#include "core/error.hpp"
#include "state_run.hpp"

namespace axl::checkpoint {
namespace {

namespace fs = std::filesystem;
using testing::StateRun;

/// One folder for all ranks.
class DistCheckpoint : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string path;
    if (comm_.rank() == 0) {
      path = (fs::temp_directory_path() / ("axl_dist_" + std::to_string(::getpid()))).string();
      fs::create_directories(path);
    }
    folder_ = comm_.broadcast(path, 0);
  }
  void TearDown() override {
    comm_.barrier();
    if (comm_.rank() == 0) fs::remove_all(folder_);
    comm_.close();
  }
  static void write_weights(const std::string& folder) {
    std::ofstream(folder + "/adapter_model.safetensors") << "weights";
  }
  std::string at(std::int64_t step) const {
    return folder_ + "/checkpoint-" + std::to_string(step);
  }
  parallel::Comm comm_ = parallel::Comm::world();
  std::string folder_;
};

TEST_F(DistCheckpoint, EveryRankLoadsWhatAllWrote) {
  // 3 rows and 1 row: fewer than ranks, so some write nothing.
  for (const std::int64_t rows : {1, 3, 17, 1000}) {
    const StateRun run(rows, rows);
    save_collective(comm_, folder_, rows, run.state, &write_weights, {.newest = 2});
    StateRun loaded(0, rows);
    EXPECT_EQ(load_collective(comm_, at(rows), loaded.state), rows);
    EXPECT_TRUE(loaded == run);
    EXPECT_EQ(find_latest_collective(comm_, folder_), at(rows));
  }
}

TEST_F(DistCheckpoint, AnyNumberOfRanksReadsIt) {
  const StateRun run(5, 23);
  save_collective(comm_, folder_, 5, run.state, &write_weights, {.newest = 2});
  // One rank without MPI reads what all wrote ...
  StateRun alone(0, 23);
  EXPECT_EQ(load_collective({}, at(5), alone.state), 5);
  EXPECT_TRUE(alone == run);
  comm_.barrier();
  // ... and all read what one wrote.
  if (comm_.rank() == 0) save_collective({}, folder_, 6, run.state, &write_weights, {.newest = 2});
  comm_.barrier();
  StateRun together(0, 23);
  EXPECT_EQ(load_collective(comm_, at(6), together.state), 6);
  EXPECT_TRUE(together == run);
}

TEST_F(DistCheckpoint, AllRanksThrowTheSameError) {
  const StateRun run(1, 23);
  save_collective(comm_, folder_, 1, run.state, &write_weights, {.newest = 1});
  const auto message = [&](const std::function<void()>& body) {
    try {
      body();
    } catch (const Error& e) {
      return std::string(e.what());
    }
    ADD_FAILURE() << "no error on rank " << comm_.rank();
    return std::string();
  };
  const std::string failed = message([&] {
    save_collective(comm_, folder_, 2, run.state,
                    [](const std::string& folder) {
                      throw Error(ErrorCode::io,
                                  "cannot write " + folder + "/adapter_model.safetensors");
                    },
                    {.newest = 1});
  });
  EXPECT_NE(failed.find("rank 0"), std::string::npos) << failed;
  EXPECT_NE(failed.find("adapter_model.safetensors"), std::string::npos) << failed;
  EXPECT_EQ(comm_.broadcast(failed, 0), failed);
  EXPECT_FALSE(fs::exists(at(2)));
  EXPECT_FALSE(fs::exists(at(2) + ".tmp"));
  StateRun other(0, 24);
  const std::string misfit = message([&] { load_collective(comm_, at(1), other.state); });
  EXPECT_NE(misfit.find("has shape (23, 5)"), std::string::npos) << misfit;
  EXPECT_EQ(comm_.broadcast(misfit, 0), misfit);
}

TEST_F(DistCheckpoint, AFullDiskIsOneClearError) {
  std::int64_t mounted = 0;
  if (comm_.rank() == 0)
    mounted = ::mount("tmpfs", folder_.c_str(), "tmpfs", 0, "size=256k") == 0 ? 1 : 0;
  comm_.broadcast(&mounted, sizeof(mounted), 0);
  if (mounted == 0) GTEST_SKIP() << "mounting a tmpfs needs root";
  const StateRun small(1, 10);
  save_collective(comm_, folder_, 1, small.state, &write_weights, {.newest = 1});
  const StateRun large(2, 100'000);
  std::string text;
  try {
    save_collective(comm_, folder_, 2, large.state, &write_weights, {.newest = 1});
    ADD_FAILURE() << "no error on rank " << comm_.rank();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::io);
    text = e.what();
  }
  EXPECT_NE(text.find("No space left"), std::string::npos) << text;
  EXPECT_NE(text.find("trainer_state.h5"), std::string::npos) << text;
  EXPECT_EQ(comm_.broadcast(text, 0), text);
  EXPECT_FALSE(fs::exists(at(2) + ".tmp"));
  EXPECT_EQ(find_latest(folder_), at(1));
  save_collective(comm_, folder_, 3, StateRun(3, 10).state, &write_weights, {.newest = 1});
  EXPECT_EQ(find_latest_collective(comm_, folder_), at(3));
  comm_.barrier();
  if (comm_.rank() == 0) ::umount(folder_.c_str());
}

}  // namespace
}  // namespace axl::checkpoint
