#pragma once
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "adapter/linear.hpp"
#include "adapter/peft_config.hpp"
#include "adapter/vera.hpp"
#include "core/registry.hpp"

namespace axl::adapter {

/// What the layers of a model under one adapter share: VeRA's projection, and the parts of it that
/// layers of one width read, in the compute type.
class SharedState {
 public:
  explicit SharedState(DType compute) : compute_(compute) {}
  /// Sizes before attach(): the widest of the layers that will have an adapter.
  void note(const Linear& linear);
  std::int64_t inputs() const { return inputs_; }
  std::int64_t outputs() const { return outputs_; }
  bool has_projection() const { return !projection_.a.empty(); }
  const VeraProjection& projection() const { return projection_; }
  /// Replaces the values: layers that have them see the new ones. Error{input} for other sizes.
  void set_projection(VeraProjection projection);
  TensorView first_columns(std::int64_t in);
  TensorView first_rows(std::int64_t out);

 private:
  struct Part {
    bool of_a;
    std::int64_t size;
    device::Buffer memory;
    TensorView view;
  };
  TensorView part(bool of_a, std::int64_t size);
  void fill(const Part& part) const;
  DType compute_;
  std::int64_t inputs_ = 0, outputs_ = 0;
  VeraProjection projection_;
  std::vector<std::unique_ptr<Part>> parts_;
};

struct AttachContext {
  tensor::ParameterTable& parameters;
  const PeftConfig& config;
  SharedState& shared;
  bool head = false;  ///< the Linear is the output head: its parameters are `at_end`
};

/// A kind of adapter on linear layers.
struct AdapterMethod {
  std::string_view name;  ///< PEFT's, its peft_type
  /// Adds the parameters of a module and its adapters. Error{unsupported} naming it.
  void (*attach)(const AttachContext&, Linear&) = nullptr;
};

/// Listed in registry.cpp.
const Registry<AdapterMethod>& methods();

AdapterMethod lora_method();
AdapterMethod ia3_method();
AdapterMethod vera_method();

}  // namespace axl::adapter
