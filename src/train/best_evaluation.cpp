#include "train/best_evaluation.hpp"

#include <cmath>

#include "core/json.hpp"

namespace axl::train {

void BestEvaluation::evaluated(std::int64_t step, double loss) {
  last_step_ = step;
  if (!(loss < loss_)) {
    ++without_gain_;
    return;
  }
  loss_ = loss;
  step_ = step;
  without_gain_ = 0;
}

void BestEvaluation::saved(std::int64_t step) {
  if (step_ != step || step == 0) return;
  checkpoint_ = step;
  checkpoint_loss_ = loss_;
}

nlohmann::ordered_json BestEvaluation::to_json() const {
  nlohmann::ordered_json j;
  if (std::isfinite(loss_)) j["loss"] = loss_;
  j["step"] = step_;
  j["last_step"] = last_step_;
  j["without_gain"] = without_gain_;
  if (checkpoint_) {
    j["checkpoint"] = *checkpoint_;
    j["checkpoint_loss"] = checkpoint_loss_;
  }
  return j;
}

BestEvaluation BestEvaluation::from_json(const nlohmann::json& j) {
  BestEvaluation out;
  out.loss_ = j.value("loss", out.loss_);
  out.step_ = j.value("step", out.step_);
  out.last_step_ = j.value("last_step", out.last_step_);
  out.without_gain_ = j.value("without_gain", out.without_gain_);
  if (j.contains("checkpoint")) {
    out.checkpoint_ = j.at("checkpoint").get<std::int64_t>();
    out.checkpoint_loss_ = j.value("checkpoint_loss", 0.0);
  }
  return out;
}

}  // namespace axl::train
