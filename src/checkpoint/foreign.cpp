#include "checkpoint/foreign.hpp"

#include <algorithm>
#include <filesystem>
#include <initializer_list>

#include "core/input_file.hpp"

namespace axl::checkpoint {
namespace {

namespace fs = std::filesystem;

bool any_name(const std::string& folder, bool (*fits)(const std::string& name)) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (fits(entry.path().filename().string())) return true;
  return false;
}

}  // namespace

Error foreign_folder(const std::string& folder, ErrorCode code) {
  const auto has = [&](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(),
                       [&](const char* name) { return is_there(fs::path(folder) / name); });
  };
  const bool adapter = has({"adapter_config.json"}), model = has({"config.json"});
  std::string what = "is no checkpoint of axolotl-hpc: it has no manifest.json";
  if (has({"zero_to_fp32.py"}) ||
      any_name(folder, [](const std::string& n) { return n.starts_with("global_step"); }))
    what = "is a checkpoint of DeepSpeed, whose optimiser states are not read";
  else if (any_name(folder, [](const std::string& n) {
             return n.starts_with("pytorch_model_fsdp") || n.ends_with(".distcp");
           }))
    what = "is a checkpoint of PyTorch's FSDP, whose optimiser states are not read";
  else if (has({"trainer_state.json", "optimizer.pt", "optimizer.bin", "scheduler.pt",
                "training_args.bin"}))
    what = "is a checkpoint of Hugging Face's Trainer, whose optimiser states are not read";
  else if (any_name(folder, [](const std::string& n) { return n.starts_with("checkpoint-"); }))
    what = "holds checkpoints but is none itself";
  else if (adapter)
    what = "is an adapter's folder, not a checkpoint";
  else if (model)
    what = "is a model's folder, not a checkpoint";
  std::string hint = "a checkpoint is a folder output_dir/checkpoint-STEP that this program wrote";
  if (what.starts_with("holds"))
    hint = "name one of them, or write resume_from_checkpoint: true for the newest in output_dir";
  else if (adapter)
    hint = "lora_model_dir: " + folder + " goes on from its adapter, with a new optimiser";
  else if (model)
    hint = "base_model: " + folder + " goes on from its weights, with a new optimiser";
  return Error(code, folder + ": " + what).hint(hint);
}

}  // namespace axl::checkpoint
