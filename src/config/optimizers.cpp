#include "config/optimizers.hpp"

#include "config/schema.hpp"

namespace axl::config {
namespace {

constexpr std::string_view kTorchao8 =
    "its 8-bit states are bitsandbytes': the blocks are torchao's, roundings differ a little";
constexpr std::string_view kTorchao4 =
    "runs as AdamW with f32 states: exact, but with more memory than quantised states";

std::vector<OptimizerArg> sgd_args() {
  return {{.name = "momentum", .maximum = 1, .below = true},
          {.name = "dampening", .maximum = 1},
          {.name = "nesterov", .is_switch = true}};
}

std::vector<OptimizerArg> adafactor_args() {
  return {{.name = "scale_parameter", .is_switch = true},
          {.name = "relative_step", .is_switch = true},
          {.name = "warmup_init", .is_switch = true},
          {.name = "beta1", .maximum = 1, .below = true},
          {.name = "eps", .above = true},
          {.name = "eps2", .above = true},
          {.name = "clip_threshold", .above = true},
          {.name = "decay_rate", .minimum = -10, .maximum = 0}};
}

}  // namespace

const std::vector<KnownOptimizer>& known_optimizers() {
  static const std::vector<KnownOptimizer> list{
      {.name = "adamw_torch_fused"},
      {.name = "adamw_torch"},
      {.name = "adamw_hf"},
      {.name = "adamw"},
      {.name = "optimi_adamw"},
      {.name = "adamw_torch_8bit", .notice = kTorchao8},
      {.name = "adamw_torch_4bit", .notice = kTorchao4},
      {.name = "adamw_bnb_8bit"},
      {.name = "adamw_8bit"},
      {.name = "paged_adamw_8bit"},
      {.name = "paged_adamw_32bit"},
      {.name = "ao_adamw_8bit", .notice = kTorchao8},
      {.name = "ao_adamw_4bit", .notice = kTorchao4},
      {.name = "sgd", .adam = false, .args = sgd_args()},
      {.name = "adafactor", .adam = false, .args = adafactor_args()},
  };
  return list;
}

const KnownOptimizer* find_optimizer(std::string_view name) {
  for (const KnownOptimizer& o : known_optimizers())
    if (o.name == name) return &o;
  return nullptr;
}

const std::vector<std::string_view>& optimizer_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> out;
    for (const KnownOptimizer& o : known_optimizers()) out.push_back(o.name);
    return out;
  }();
  return names;
}

}  // namespace axl::config
