#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/registry.hpp"
#include "ops/ops.hpp"
#include "tensor/parameters.hpp"

namespace axl::optim {

struct OptimizerConfig {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.0;
};

/// One call updates one contiguous shard of the flat buffers.
struct ShardStep {
  float* value;
  const float* grad;
  std::vector<float*> state;  ///< one pointer per state buffer
  std::int64_t elements;
  double lr, weight_decay, grad_scale;
  std::int64_t t;  ///< from 1
};

/// An optimiser: what it keeps per parameter, by name, and how it steps.
struct OptimizerSpec {
  std::string_view name;
  std::string_view paper;
  std::vector<std::string_view> aliases;  ///< Axolotl's names for the same mathematics
  std::vector<std::string_view> state;    ///< names of the flat f32 buffers
  void (*step)(ops::Context&, const OptimizerConfig&, const ShardStep&);
};
const Registry<OptimizerSpec>& optimizers();
/// By name or alias; Error{config} with the known names otherwise.
const OptimizerSpec& optimizer_named(std::string_view name);

OptimizerSpec adamw_spec();

/// The optimiser's state for a parameter table, replicated on every data-parallel rank.
class Optimizer {
 public:
  Optimizer(const OptimizerSpec& spec, const OptimizerConfig& config,
            tensor::ParameterTable& table);
  /// One step with this peak-scaled learning rate; gradients are multiplied by grad_scale first.
  void step(ops::Context& ctx, double lr, double grad_scale, std::int64_t t);
  struct StateBuffer {
    std::string name;
    float* data;
    std::int64_t elements;
  };
  std::vector<StateBuffer> state() const;
  std::int64_t bytes() const;

 private:
  const OptimizerSpec& spec_;
  OptimizerConfig config_;
  tensor::ParameterTable& table_;
  std::vector<device::Buffer> buffers_;
};

/// sqrt of the sum of squares of all gradients, in a fixed order.
double gradient_norm(ops::Context& ctx, const tensor::ParameterTable& table);
/// What it takes of the arena meanwhile.
std::int64_t gradient_norm_bytes(const tensor::ParameterTable& table);

}  // namespace axl::optim
