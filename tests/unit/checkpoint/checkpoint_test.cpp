#include "checkpoint/checkpoint.hpp"

#include <gtest/gtest.h>
#include <hdf5.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <numeric>
#include <thread>

#include "checkpoint/manifest.hpp"
#include "checkpoint/state_file.hpp"
#include "tiny_model.hpp"

namespace axl::checkpoint {
namespace {

namespace fs = std::filesystem;

/// A state of three tensors whose values depend on the step.
struct FakeRun {
  explicit FakeRun(std::int64_t step) {
    add("exp_avg/model.layers.0.q_proj.lora_A.weight", {4, 6}, step);
    add("exp_avg_sq/model.layers.0.q_proj.lora_A.weight", {7}, step + 100);
    add("scalar", {}, step + 200);
    state.json = "{\"step\": " + std::to_string(step) + "}";
  }
  void add(const std::string& name, std::vector<std::int64_t> shape, std::int64_t first) {
    StateTensor t{name, std::move(shape), nullptr};
    values.emplace_back(static_cast<std::size_t>(t.elements()));
    std::iota(values.back().begin(), values.back().end(), static_cast<float>(first));
    t.data = values.back().data();
    state.tensors.push_back(std::move(t));
  }
  TrainState state;
  std::vector<std::vector<float>> values;
};

class Checkpoint : public testing::Scratch {
 protected:
  void save(std::int64_t step, std::int64_t newest = 0,
            std::optional<std::int64_t> best = std::nullopt) const {
    const FakeRun run(step);
    save_collective(comm_, folder_.string(), step, run.state, write_weights(),
                    {.newest = newest, .step = best});
  }
  static WeightsWriter write_weights() {
    return [](const std::string& folder) {
      testing::write_text(folder + "/adapter_model.safetensors", "weights");
      fs::create_directories(folder + "/sub");
      testing::write_text(folder + "/sub/more.json", "{}");
    };
  }
  std::string at(std::int64_t step) const { return path("checkpoint-" + std::to_string(step)); }
  void damage(const std::string& file, const std::string& text) const {
    testing::write_text(file, text);
  }
  parallel::Comm comm_;
};

TEST_F(Checkpoint, SavesAndLoadsBitForBit) {
  save(12);
  const FakeRun expected(12);
  FakeRun loaded(0);
  EXPECT_EQ(load_collective(comm_, at(12), loaded.state), 12);
  EXPECT_EQ(loaded.values, expected.values);
  EXPECT_EQ(loaded.state.json, expected.state.json);
  EXPECT_EQ(find_latest(folder_.string()), at(12));
  EXPECT_FALSE(fs::exists(at(12) + ".tmp"));
  EXPECT_TRUE(fs::exists(at(12) + "/sub/more.json"));
}

TEST_F(Checkpoint, SharesCoverAllRowsOnce) {
  for (const int size : {1, 2, 3, 7, 64})
    for (const std::int64_t rows : {0, 1, 5, 64, 1000}) {
      std::int64_t next = 0;
      for (int rank = 0; rank < size; ++rank) {
        const Share share = share_of(rows, rank, size);
        EXPECT_EQ(share.first, next);
        next = share.last;
      }
      EXPECT_EQ(next, rows);
    }
}

TEST_F(Checkpoint, RotationKeepsTheOneThatIsNamed) {
  for (const std::int64_t step : {1, 2, 3, 4, 5}) save(step, 2, 2);
  EXPECT_TRUE(fs::exists(at(2)));
  EXPECT_TRUE(fs::exists(at(5)));
  for (const std::int64_t step : {1, 3, 4}) EXPECT_FALSE(fs::exists(at(step))) << step;
  save(6, 1, 2);  // the newest is never the one to go
  EXPECT_TRUE(fs::exists(at(2)));
  EXPECT_TRUE(fs::exists(at(6)));
  EXPECT_FALSE(fs::exists(at(5)));
}

TEST_F(Checkpoint, WeightsAreCopiedWithoutWhatResumingNeeds) {
  save(3);
  testing::write_text(path("adapter_model.safetensors"), "older weights");
  copy_weights(folder_.string(), 3);
  EXPECT_EQ(fs::file_size(path("adapter_model.safetensors")), 7u);
  EXPECT_FALSE(fs::exists(path("trainer_state.h5")));
  EXPECT_FALSE(fs::exists(path("manifest.json")));
  damage(at(3) + "/adapter_model.safetensors", "damaged");
  EXPECT_THROW(copy_weights(folder_.string(), 3), Error);
}

TEST_F(Checkpoint, RotationKeepsTheNewest) {
  for (const std::int64_t step : {1, 2, 3, 4}) save(step, 2);
  EXPECT_FALSE(fs::exists(at(1)));
  EXPECT_FALSE(fs::exists(at(2)));
  EXPECT_TRUE(fs::exists(at(3)));
  EXPECT_TRUE(fs::exists(at(4)));
  save(2, 1);  // whatever its number, the one just written stays
  EXPECT_TRUE(fs::exists(at(2)));
  EXPECT_FALSE(fs::exists(at(4)));
  for (const std::int64_t step : {5, 6, 7}) save(step, 0);
  EXPECT_TRUE(fs::exists(at(2)));
}

TEST_F(Checkpoint, OtherProgramsCheckpointsStay) {
  const auto foreign = [&](std::int64_t step) {
    fs::create_directories(at(step));
    testing::write_text(at(step) + "/optimizer.pt", "of a Trainer");
  };
  for (const std::int64_t step : {1, 3, 900}) foreign(step);
  for (const std::int64_t step : {2, 3, 4}) save(step, 1);
  for (const std::int64_t step : {1, 900}) EXPECT_TRUE(fs::exists(at(step) + "/optimizer.pt"));
  EXPECT_FALSE(fs::exists(at(2)));
  EXPECT_TRUE(fs::exists(at(3) + ".before/optimizer.pt")) << "was where a checkpoint had to go";
  foreign(3);
  save(3, 1);
  EXPECT_TRUE(fs::exists(at(3) + ".before/optimizer.pt"));
  EXPECT_TRUE(fs::exists(at(3) + ".before2/optimizer.pt"));
  EXPECT_EQ(find_latest(folder_.string()), at(3));
}

TEST_F(Checkpoint, KnowsWhatItWouldRemove) {
  const std::string out = folder_.string();
  save(7);
  fs::create_directories(path("model/checkpoint-7"));
  fs::create_directory_symlink(at(7), path("link"));
  fs::create_directory_symlink(out, path("model/out"));
  EXPECT_TRUE(is_among_checkpoints(out, at(7)));
  EXPECT_TRUE(is_among_checkpoints(out + "/model/..", at(7) + "/"));
  EXPECT_TRUE(is_among_checkpoints(out, at(7) + "/adapter_model.safetensors"));
  EXPECT_TRUE(is_among_checkpoints(out, path("link")));
  EXPECT_TRUE(is_among_checkpoints(path("model/out"), at(7)));
  EXPECT_FALSE(is_among_checkpoints(out, out));
  EXPECT_FALSE(is_among_checkpoints(out, path("model/checkpoint-7")));
  EXPECT_FALSE(is_among_checkpoints(path("model"), at(7)));
  EXPECT_FALSE(is_among_checkpoints(out, at(8))) << "not there";
  EXPECT_FALSE(is_among_checkpoints(path("none"), at(7)));
}

TEST_F(Checkpoint, TheSameStepIsReplaced) {
  save(3);
  testing::write_text(at(3) + "/old", "x");
  save(3);
  EXPECT_FALSE(fs::exists(at(3) + "/old"));
  EXPECT_FALSE(fs::exists(at(3) + ".tmp"));
  EXPECT_EQ(find_latest(folder_.string()), at(3));
}

TEST_F(Checkpoint, DamagedOnesAreSkipped) {
  save(1);
  for (const std::int64_t step : {2, 3, 4, 5, 6, 7}) save(step);
  damage(at(7) + "/adapter_model.safetensors", "short");
  damage(at(6) + "/adapter_model.safetensors", "Weights");
  fs::remove(at(5) + "/trainer_state.h5");
  damage(at(4) + "/manifest.json", "{\"format\": 1,");
  fs::remove(at(3) + "/manifest.json");
  fs::resize_file(at(2) + "/trainer_state.h5", fs::file_size(at(2) + "/trainer_state.h5") - 1);
  fs::create_directories(path("checkpoint-99.tmp"));
  fs::create_directories(path("checkpoint-x"));
  EXPECT_EQ(find_latest(folder_.string()), at(1));
  damage(at(1) + "/manifest.json",
         R"({"format":1,"step":1,"files":[{"name":"../x","bytes":0,"xxh3":""}]})");
  EXPECT_EQ(find_latest(folder_.string()), std::nullopt);
  EXPECT_EQ(find_latest(path("absent")), std::nullopt);
}

TEST_F(Checkpoint, LoadingSaysWhatDoesNotFit) {
  save(1);
  const auto fails = [&](FakeRun& run, const char* says) {
    try {
      load_collective(comm_, at(1), run.state);
      ADD_FAILURE() << "accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::checkpoint);
      EXPECT_NE(std::string(e.what()).find(says), std::string::npos) << e.what();
    }
  };
  FakeRun shape(0);
  shape.state.tensors[0].shape = {6, 4};
  fails(shape, "has shape (4, 6), this run has (6, 4)");
  FakeRun missing(0);
  missing.add("another", {2}, 0);
  fails(missing, "holds no tensor 'another'");
  FakeRun extra(0);
  extra.state.tensors.pop_back();
  fails(extra, "that this run does not have");
  FakeRun codes(0);
  codes.state.tensors[1].dtype = DType::u8;
  fails(codes, "is not of type u8");
  FakeRun gone(0);
  fs::remove(at(1) + "/trainer_state.h5");
  fails(gone, "trainer_state.h5");
  testing::write_text(at(1) + "/trainer_state.h5", "no HDF5");
  write_manifest(at(1), 1);
  fails(gone, "cannot be opened");
}

TEST_F(Checkpoint, EveryStateOfEveryParameterIsADatasetOfItsOwn) {
  save(5);
  const std::int64_t file =
      H5Fopen((at(5) + "/trainer_state.h5").c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  const auto q = "/tensors/exp_avg/model.layers.0.q_proj.lora_A.weight";
  const std::int64_t set = H5Dopen2(file, q, H5P_DEFAULT);
  ASSERT_GE(set, 0);
  const std::int64_t space = H5Dget_space(set);
  hsize_t shape[2] = {};
  EXPECT_EQ(H5Sget_simple_extent_dims(space, shape, nullptr), 2);
  EXPECT_EQ(shape[0], 4u);
  EXPECT_EQ(shape[1], 6u);
  EXPECT_EQ(H5Dget_storage_size(set), 4u * 6u * 4u) << "no padding";
  H5Sclose(space);
  H5Dclose(set);
  H5Fclose(file);
}

TEST_F(Checkpoint, AFileOfAnotherFormatNamesWhoWroteIt) {
  const auto refused = [&](const std::string& says) {
    write_manifest(at(1), 1);
    try {
      FakeRun run(0);
      load_collective(comm_, at(1), run.state);
      ADD_FAILURE() << "accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::checkpoint);
      EXPECT_NE(std::string(e.what()).find(says), std::string::npos) << e.what();
    }
  };
  const auto open = [&] {
    return H5Fopen((at(1) + "/trainer_state.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  };
  save(1);
  std::int64_t file = open();
  const std::int64_t attribute = H5Aopen(file, "format", H5P_DEFAULT), newer = 3;
  H5Awrite(attribute, H5T_NATIVE_INT64, &newer);
  H5Aclose(attribute);
  H5Fclose(file);
  refused("written by axolotl-hpc 0.1.0 in format 3; axolotl-hpc 0.1.0 reads format 2");
  file = open();
  H5Adelete(file, "format");
  H5Adelete(file, "written_by");
  H5Fclose(file);
  refused("written by axolotl-hpc 0.1.0 of before states had names in format 1");
}

TEST_F(Checkpoint, AFailedSaveLeavesTheOldOnes) {
  save(1);
  const FakeRun run(2);
  try {
    save_collective(comm_, folder_.string(), 2, run.state,
                    [](const std::string&) { throw Error(ErrorCode::io, "disk on fire"); },
                    {.newest = 1});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::io);
    EXPECT_NE(std::string(e.what()).find("checkpoint-2 (rank 0): disk on fire"), std::string::npos)
        << e.what();
  }
  EXPECT_FALSE(fs::exists(at(2)));
  EXPECT_FALSE(fs::exists(at(2) + ".tmp"));
  EXPECT_EQ(find_latest(folder_.string()), at(1));
  EXPECT_THROW(
      save_collective(comm_, "/proc/nowhere", 1, run.state, write_weights(), {.newest = 1}), Error);
}

TEST_F(Checkpoint, KilledAnywhereTheLatestStillLoads) {
  save(1, 2);
  std::int64_t step = 2;
  for (int round = 0; round < 40; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (std::int64_t s = step;; ++s) save(s, 2);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(500 + 7919 * round % 150000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const auto latest = find_latest(folder_.string());
    ASSERT_TRUE(latest.has_value()) << "round " << round;
    FakeRun loaded(0);
    const std::int64_t found = load_collective(comm_, *latest, loaded.state);
    EXPECT_EQ(loaded.values, FakeRun(found).values);
    ASSERT_GE(found, step - 1);
    step = found + 1;
  }
  std::printf("40 kills, %lld checkpoints written\n", static_cast<long long>(step - 1));
}

}  // namespace
}  // namespace axl::checkpoint
