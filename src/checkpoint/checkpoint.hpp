#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "checkpoint/train_state.hpp"
#include "parallel/comm.hpp"

namespace axl::checkpoint {

/// Writes the trained weights (adapter_model.safetensors and adapter_config.json, or a whole model)
/// into the folder that it is given. Called on rank 0 only.
using WeightsWriter = std::function<void(const std::string& folder)>;

/// What stays when a checkpoint has been written.
struct Keep {
  std::int64_t newest = 0;           ///< so many with the one just written; < 1: all
  std::optional<std::int64_t> step;  ///< this one too; it counts among them
};

/// Saves OUTPUT_DIR/checkpoint-STEP. Collective over `comm`; every rank passes the same state.
/// Everything is written to checkpoint-STEP.tmp, fsynced, listed in manifest.json with sizes and
/// XXH3 sums, and renamed when all ranks agree that it is complete; a checkpoint of the same step
/// is exchanged in one system call, and a folder of that name that another program wrote is
/// renamed. Then the checkpoints of ours go that `keep` does not name. When anything fails on any
/// rank, every rank throws the same Error{io} naming rank and file, the temporary folder is gone
/// and the older checkpoints are as they were.
void save_collective(const parallel::Comm& comm, const std::string& output_dir, std::int64_t step,
                     const TrainState& state, const WeightsWriter& write_weights, const Keep& keep);

/// Whether `folder` holds the weights of the checkpoint at `checkpoint`, byte for byte.
bool weights_are_copied(const std::string& checkpoint, const std::string& folder);

/// Copies the weights of OUTPUT_DIR/checkpoint-STEP into OUTPUT_DIR, file by file: whatever is not
/// there to resume from. Error{io}, Error{checkpoint} when the checkpoint is damaged.
void copy_weights(const std::string& output_dir, std::int64_t step);

/// Whether `path` exists and is, or lies inside, a folder OUTPUT_DIR/checkpoint-N: saving replaces
/// and removes those. Links are followed.
bool is_among_checkpoints(const std::string& output_dir, const std::string& path);

/// Newest checkpoint-N of `output_dir` whose manifest verifies; damaged ones are skipped with a
/// warning that says why. Reads every byte of what it accepts.
std::optional<std::string> find_latest(const std::string& output_dir);
/// The same on rank 0, told to all.
std::optional<std::string> find_latest_collective(const parallel::Comm& comm,
                                                  const std::string& output_dir);

/// Verifies `folder` and fills `state` (tensors by name and shape, json) on every rank, for any
/// number of ranks. Returns the step. Error{checkpoint} on every rank alike; a folder of another
/// program is named for what it is. `judge` may refuse the state by its JSON, before its tensors.
std::int64_t load_collective(const parallel::Comm& comm, const std::string& folder,
                             TrainState& state,
                             const std::function<void(const std::string& json)>& judge = {});

}  // namespace axl::checkpoint
