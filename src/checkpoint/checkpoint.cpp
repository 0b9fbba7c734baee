#include "checkpoint/checkpoint.hpp"

#include <fcntl.h>
#include <stdio.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <vector>

#include "checkpoint/foreign.hpp"
#include "checkpoint/manifest.hpp"
#include "checkpoint/state_file.hpp"
#include "core/durable_file.hpp"
#include "core/error.hpp"
#include "core/input_file.hpp"
#include "core/log.hpp"

namespace axl::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "checkpoint-";
constexpr std::string_view kTemporary = ".tmp";
constexpr const char* kStateFile = "/trainer_state.h5";

/// Step of a folder named checkpoint-N, else -1.
std::int64_t step_of(const std::string& name) {
  if (!name.starts_with(kPrefix)) return -1;
  std::int64_t step = -1;
  const char* begin = name.data() + kPrefix.size();
  const char* end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(begin, end, step);
  return error == std::errc() && stop == end && step >= 0 ? step : -1;
}

struct Found {
  std::int64_t step = 0;
  std::string path;
};

/// Folders checkpoint-N, newest first.
std::vector<Found> list(const std::string& output_dir) {
  std::vector<Found> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(output_dir, ignored)) {
    const std::int64_t step = step_of(entry.path().filename().string());
    if (step >= 0 && entry.is_directory(ignored)) out.push_back({step, entry.path().string()});
  }
  std::sort(out.begin(), out.end(), [](const Found& a, const Found& b) { return a.step > b.step; });
  return out;
}

/// A folder checkpoint-N of another program (Axolotl's, of the same output_dir) is not ours to
/// remove. Ours get their name with the manifest inside.
bool is_ours(const fs::path& folder) { return is_there(folder / kManifestFile); }

/// Renamed first: a half-deleted folder must not look like a checkpoint.
void remove_checkpoint(const std::string& path) {
  const std::string doomed = path + std::string(kTemporary);
  std::error_code problem;
  fs::remove_all(doomed, problem);
  fs::rename(path, doomed, problem);
  if (!problem) fs::remove_all(doomed, problem);
  if (problem) log::warning("cannot remove the old checkpoint {}: {}", path, problem.message());
}

/// Gives what stands at `path` the first free name PATH.before, PATH.before2, ...
void move_aside(const std::string& path) {
  std::string aside = path + ".before";
  std::error_code problem;
  for (int i = 2; fs::exists(fs::symlink_status(aside, problem)); ++i)
    aside = path + ".before" + std::to_string(i);
  fs::rename(path, aside);
  log::warning("{} was not written by axolotl-hpc: it is kept as {}", path, aside);
}

void put_in_place(const std::string& temporary, const std::string& final_path) {
  std::error_code ignored;
  if (fs::exists(final_path, ignored) && !is_ours(final_path)) move_aside(final_path);
  const bool taken = fs::exists(final_path, ignored);
  const auto rename_with = [&](unsigned flags) {
    return ::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, final_path.c_str(), flags) == 0;
  };
  bool done = rename_with(taken ? RENAME_EXCHANGE : 0);
  if (!done && taken && (errno == EINVAL || errno == ENOSYS)) {  // no exchange on this file system
    remove_checkpoint(final_path);
    done = rename_with(0);
  }
  if (!done)
    throw Error(ErrorCode::io,
                "cannot rename " + temporary + " to " + final_path + ": " + std::strerror(errno));
  fs::remove_all(temporary, ignored);  // what stood there before an exchange
}

void rotate(const std::string& output_dir, std::int64_t saved, const Keep& keep) {
  std::error_code ignored;
  std::vector<fs::path> leftovers;
  for (const auto& entry : fs::directory_iterator(output_dir, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(kTemporary) && step_of(name.substr(0, name.size() - kTemporary.size())) >= 0)
      leftovers.push_back(entry.path());
  }
  for (const fs::path& path : leftovers) fs::remove_all(path, ignored);
  if (keep.newest < 1) return;
  // These stay, whatever the others are called.
  const auto stays = [&](const Found& f) { return f.step == saved || f.step == keep.step; };
  std::vector<Found> all = list(output_dir);
  std::erase_if(all, [](const Found& f) { return !is_ours(f.path); });
  std::int64_t kept = std::count_if(all.begin(), all.end(), stays);
  for (const Found& found : all)
    if (!stays(found) && ++kept > keep.newest) remove_checkpoint(found.path);
}

/// One stage of saving: all ranks agree on its outcome. The message names the rank that failed.
void stage(const parallel::Comm& comm, const std::string& name, bool everywhere,
           const std::function<void()>& body) {
  parallel::collectively(comm, [&] {
    if (!everywhere && comm.rank() != 0) return;
    try {
      body();
    } catch (const std::exception& e) {
      const auto* error = dynamic_cast<const Error*>(&e);
      throw Error(ErrorCode::io, "cannot save " + name + " (rank " + std::to_string(comm.rank()) +
                                     "): " + (error != nullptr ? error->message() : e.what()))
          .hint("older checkpoints are untouched; free space on the disk or check output_dir");
    }
  });
}

}  // namespace

void save_collective(const parallel::Comm& comm, const std::string& output_dir, std::int64_t step,
                     const TrainState& state, const WeightsWriter& write_weights,
                     const Keep& keep) {
  AXL_CHECK(step >= 0, "negative step");
  const std::string name = std::string(kPrefix) + std::to_string(step);
  const std::string final_path = output_dir + "/" + name;
  const std::string temporary = final_path + std::string(kTemporary);
  try {
    stage(comm, name, false, [&] {
      fs::remove_all(temporary);
      fs::create_directories(temporary);
      create_state_file(temporary + kStateFile, state);
      write_weights(temporary);
    });
    const std::string problem = write_shares_collective(comm, temporary + kStateFile, state);
    stage(comm, name, true, [&] {
      if (!problem.empty()) throw Error(ErrorCode::io, problem);
      sync_path(temporary + kStateFile);
    });
    stage(comm, name, false, [&] {
      for (const auto& entry : fs::recursive_directory_iterator(temporary))
        sync_path(entry.path().string());
      write_manifest(temporary, step);
      put_in_place(temporary, final_path);
      sync_path(output_dir);
      rotate(output_dir, step, keep);
    });
  } catch (...) {
    std::error_code ignored;
    if (comm.rank() == 0) fs::remove_all(temporary, ignored);
    throw;
  }
}

bool weights_are_copied(const std::string& checkpoint, const std::string& folder) {
  std::error_code ignored;
  bool any = false;
  for (const auto& entry : fs::directory_iterator(checkpoint, ignored)) {
    if (!entry.is_regular_file() || entry.path().extension() != ".safetensors") continue;
    any = true;
    const fs::path copy = fs::path(folder) / entry.path().filename();
    if (!fs::is_regular_file(copy, ignored) || !same_content(entry.path().string(), copy.string()))
      return false;
  }
  return any;
}

void copy_weights(const std::string& output_dir, std::int64_t step) {
  const std::string folder = output_dir + "/" + std::string(kPrefix) + std::to_string(step);
  verify_manifest(folder);
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || "/" + name == kStateFile || name == kManifestFile) continue;
    copy_durably(entry.path().string(), output_dir + "/" + name);
  }
}

bool is_among_checkpoints(const std::string& output_dir, const std::string& path) {
  std::error_code problem;
  if (!fs::exists(path, problem)) return false;  // a name of the Hub
  const fs::path inside = fs::weakly_canonical(path, problem);
  const fs::path folder = fs::weakly_canonical(output_dir, problem);
  if (problem) return false;
  const fs::path below = inside.lexically_relative(folder);
  return !below.empty() && step_of(below.begin()->string()) >= 0;
}

std::optional<std::string> find_latest(const std::string& output_dir) {
  for (const Found& found : list(output_dir)) {
    try {
      verify_manifest(found.path);
      return found.path;
    } catch (const Error& e) {
      if (!is_there(fs::path(found.path) / kManifestFile))
        log::warning("skipping {}", foreign_folder(found.path, ErrorCode::checkpoint).message());
      else
        log::warning("skipping the damaged checkpoint {}: {}", found.path, e.message());
    }
  }
  return std::nullopt;
}

std::optional<std::string> find_latest_collective(const parallel::Comm& comm,
                                                  const std::string& output_dir) {
  std::string path;
  parallel::collectively(comm, [&] {
    if (comm.rank() == 0) path = find_latest(output_dir).value_or("");
  });
  path = comm.broadcast(path, 0);
  return path.empty() ? std::nullopt : std::optional(path);
}

std::int64_t load_collective(const parallel::Comm& comm, const std::string& folder,
                             TrainState& state,
                             const std::function<void(const std::string& json)>& judge) {
  std::int64_t step = 0;
  parallel::collectively(comm, [&] {
    if (comm.rank() != 0) return;
    if (!is_there(fs::path(folder) / kManifestFile))
      throw foreign_folder(folder, ErrorCode::checkpoint);
    step = verify_manifest(folder);
  });
  comm.broadcast(&step, sizeof(step), 0);
  read_state_collective(comm, folder + kStateFile, state, judge);
  return step;
}

}  // namespace axl::checkpoint
