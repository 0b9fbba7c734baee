#include "train/resume.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "core/json.hpp"
#include "core/log.hpp"
#include "train/run_settings.hpp"

namespace axl::train {

ResumableState::ResumableState(const config::Config& config, const parallel::Comm& comm,
                               model::Decoder& model, const optim::Optimizer& optimizer,
                               BatchSource& batches, BestEvaluation& best,
                               std::string base_fingerprint)
    : config_(config),
      comm_(comm),
      model_(model),
      optimizer_(optimizer),
      batches_(batches),
      best_(best),
      base_fingerprint_(std::move(base_fingerprint)) {}

checkpoint::TrainState ResumableState::state() const {
  checkpoint::TrainState s;
  tensor::ParameterTable& table = model_.parameters();
  for (const tensor::Parameter& p : table.all())
    s.tensors.push_back({"master/" + p.name, p.shape, p.master.data(), p.master.dtype()});
  for (const optim::Optimizer::StateTensor& t : optimizer_.state())
    s.tensors.push_back({t.name + "/" + t.parameter, t.shape, t.data, t.dtype});
  return s;
}

nlohmann::ordered_json ResumableState::describe(std::int64_t step) const {
  nlohmann::ordered_json j;
  j["step"] = step;
  j["epoch"] = batches_.epoch_at(step);
  j["seed"] = config_.seed;
  j["dataset"] = fmt::format("{:016x}", batches_.fingerprint());
  j["global_batch"] = config_.micro_batch_size * config_.gradient_accumulation_steps * comm_.size();
  j["ranks"] = comm_.size();
  j["optimizer"] = config_.optimizer;
  j["settings"] = settings_of(config_, model_, base_fingerprint_);
  auto& parameters = j["parameters"] = nlohmann::ordered_json::array();
  for (const tensor::Parameter& p : model_.parameters().all())
    parameters.push_back({{"name", p.name}, {"shape", p.shape}});
  return j;
}

void ResumableState::save(std::int64_t step, const checkpoint::WeightsWriter& write_weights,
                          bool weights_only) const {
  checkpoint::TrainState s = weights_only ? checkpoint::TrainState{} : state();
  nlohmann::ordered_json description = describe(step);
  if (const std::string position = batches_.position(); !position.empty())
    description["data_position"] = position;
  best_.saved(step);
  description["best_evaluation"] = best_.to_json();
  s.json = json_text(description);
  const bool keeps_best = config_.early_stopping_patience.has_value();
  checkpoint::save_collective(
      comm_, config_.output_dir, step, s, write_weights,
      {.newest = config_.save_total_limit, .step = keeps_best ? best_.checkpoint() : std::nullopt});
}

std::optional<std::string> ResumableState::wanted() const {
  if (!config_.resume_from_checkpoint.empty()) {
    parallel::collectively(comm_, [&] {
      if (comm_.rank() == 0 && !std::filesystem::is_directory(config_.resume_from_checkpoint))
        throw Error(ErrorCode::config,
                    "there is no checkpoint folder '" + config_.resume_from_checkpoint + "'")
            .at(config_.at("resume_from_checkpoint"));
    });
    return config_.resume_from_checkpoint;
  }
  if (!config_.auto_resume_from_checkpoints && !config_.resume_from_newest) return std::nullopt;
  auto newest = checkpoint::find_latest_collective(comm_, config_.output_dir);
  if (!newest && config_.resume_from_newest)
    throw Error(ErrorCode::config,
                "there is no checkpoint to go on from in '" + config_.output_dir + "'")
        .at(config_.at("resume_from_checkpoint"))
        .hint("auto_resume_from_checkpoints: true begins anew where there is none")
        .agreed();
  return newest;
}

std::int64_t ResumableState::load(const std::string& folder) const {
  checkpoint::TrainState s = state();
  // Before the tensors: what was saved under other settings may not even have their shapes.
  std::vector<std::string> notices;
  checkpoint::load_collective(comm_, folder, s, [&](const std::string& description) {
    const auto described = parse_json<nlohmann::json>(description);
    if (!described.contains("settings")) {
      notices.emplace_back(
          "written before checkpoints recorded their settings: whether adapter, "
          "base model and packing are as they were is not checked");
      return;
    }
    notices = compare_settings(described.at("settings"), nlohmann::json(describe(0).at("settings")),
                               config_.allow_changed, folder);
  });
  if (comm_.rank() == 0)
    for (const std::string& notice : notices) log::warning("{}: {}", folder, notice);
  const auto saved = parse_json<nlohmann::json>(s.json);
  const nlohmann::json now(describe(saved.at("step")));
  if (saved.at("parameters") != now.at("parameters"))
    throw Error(ErrorCode::checkpoint,
                folder + ": its trained parameters are not those of this configuration")
        .hint("adapter, lora_r, lora_target_modules and base_model must be as when it was written");
  for (const char* key : {"dataset", "global_batch", "seed"})
    if (saved.at(key) != now.at(key) && comm_.rank() == 0)
      log::warning(
          "{}: '{}' was {} and is {} now: the run goes on, but not as if it had never stopped",
          folder, key, json_text(saved.at(key)), json_text(now.at(key)));
  batches_.resume(saved.value("data_position", ""),
                  std::stoull(saved.at("dataset").get<std::string>(), nullptr, 16));
  if (saved.contains("best_evaluation"))
    best_ = BestEvaluation::from_json(saved.at("best_evaluation"));
  return saved.at("step");
}

}  // namespace axl::train
