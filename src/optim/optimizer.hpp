#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/registry.hpp"
#include "ops/ops.hpp"
#include "optim/groups.hpp"
#include "tensor/parameters.hpp"

namespace axl::optim {

struct OptimizerConfig {
  double learning_rate = 1.0;  ///< where the schedule's factor is 1
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0.0;
  /// optim_args by name, booleans as 0 and 1; what is not there has the optimiser's own default.
  std::map<std::string, double> args;
  GroupOptions groups;
  double arg(const std::string& name, double otherwise) const {
    const auto it = args.find(name);
    return it == args.end() ? otherwise : it->second;
  }
};

/// One array that an optimiser keeps for one parameter; it starts from zeros.
struct StateShape {
  std::string_view name;  ///< "exp_avg": the same for every parameter that has one
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
};

/// A parameter's step. Views have its global shape, so that an optimiser may work on whole
/// matrices; what is random in a step follows from the parameter's name and t
/// (kernels::hash_counter).
struct ParameterStep {
  const tensor::Parameter& parameter;
  tensor::TensorView value, grad;         ///< f32
  std::vector<tensor::TensorView> state;  ///< in the order of OptimizerSpec::state
  double lr, weight_decay, grad_scale;    ///< gradients are multiplied by grad_scale (clipping)
  std::int64_t t;                         ///< from 1
};

/// An optimiser: what it keeps for a parameter, and how it steps.
struct OptimizerSpec {
  std::string_view name;
  std::string_view paper;
  std::vector<std::string_view> aliases;  ///< Axolotl's names for the same mathematics
  std::vector<std::string_view> args;     ///< what optim_args may hold
  std::vector<StateShape> (*state)(const OptimizerConfig&, const tensor::Parameter&);
  void (*step)(ops::Context&, const OptimizerConfig&, const ParameterStep&);
  /// Bytes that a step of this parameter takes from the arena; null: none.
  std::int64_t (*workspace)(const tensor::Parameter&) = nullptr;
};
const Registry<OptimizerSpec>& optimizers();
/// By name or alias; Error{config} with the known names otherwise.
const OptimizerSpec& optimizer_named(std::string_view name);

OptimizerSpec adamw_spec();
OptimizerSpec adamw_8bit_spec();
OptimizerSpec sgd_spec();
OptimizerSpec adafactor_spec();

/// Bytes of the state that an optimiser keeps for these parameters, whose memory need not be there.
std::int64_t state_bytes(const OptimizerSpec& spec, const OptimizerConfig& config,
                         const tensor::ParameterTable& table);
/// Most bytes that step() and gradient_norm() take from the arena.
std::int64_t workspace_bytes(const OptimizerSpec& spec, const tensor::ParameterTable& table);

/// The optimiser's state for a parameter table, replicated on every data-parallel rank.
class Optimizer {
 public:
  Optimizer(const OptimizerSpec& spec, const OptimizerConfig& config,
            tensor::ParameterTable& table);
  /// One step at `schedule` times each group's learning rate.
  void step(ops::Context& ctx, double schedule, double grad_scale, std::int64_t t);
  /// One array of the state.
  struct StateTensor {
    std::string name;       ///< "exp_avg"
    std::string parameter;  ///< its name
    std::vector<std::int64_t> shape;
    DType dtype;
    void* data;
  };
  std::vector<StateTensor> state() const;
  std::int64_t bytes() const { return buffer_.bytes(); }

 private:
  struct Kept {
    tensor::Parameter* parameter;
    Group group;
    std::vector<StateShape> shapes;
    std::vector<tensor::TensorView> views;
  };
  const OptimizerSpec& spec_;
  OptimizerConfig config_;
  device::Buffer buffer_;
  std::vector<Kept> kept_;
};

/// sqrt of the sum of squares of all gradients, in a fixed order.
double gradient_norm(ops::Context& ctx, const tensor::ParameterTable& table);
/// What it takes of the arena meanwhile.
std::int64_t gradient_norm_bytes(const tensor::ParameterTable& table);

}  // namespace axl::optim
