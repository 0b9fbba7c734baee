#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "core/parameter_pattern.hpp"
#include "device/arena.hpp"
#include "tensor/tensor_view.hpp"

namespace axl::tensor {

/// What a trained tensor is to the model: said where it is made, so that nobody reads it from a
/// name.
enum class Role : std::uint8_t {
  matrix,            ///< of a linear layer of the base model
  norm,              ///< weight of a norm
  bias,              ///< of a linear layer
  embedding,         ///< the table of the input embedding; also the head's when the two are tied
  head,              ///< the output embedding's own matrix
  lora_a,            ///< LoRA's A, (r, in)
  lora_b,            ///< LoRA's B, (out, r)
  lora_embedding_a,  ///< LoRA's A of an embedding, (r, vocabulary)
  lora_embedding_b,  ///< LoRA's B of an embedding, (hidden, r)
  magnitude,         ///< DoRA's, (out)
  token_rows,        ///< single rows of an embedding
  scale              ///< what multiplies single numbers of a layer: IA3's and VeRA's vectors
};

/// What a trained tensor begins as.
enum class Init : std::uint8_t {
  base,             ///< the base model's values
  base_rows,        ///< single rows of a base table
  constant,         ///< init_value
  kaiming_uniform,  ///< with a = sqrt(5): U(-1, 1) / sqrt(columns), as PEFT begins lora_A
  normal,           ///< standard normal, as PEFT begins lora_embedding_B
  derived           ///< set by what it belongs to
};

/// A trained tensor: described by name and global shape; blocks never see flat buffers or ranks.
struct Parameter {
  std::string name;  ///< as in the file that it is saved to
  std::vector<std::int64_t> shape;
  Role role = Role::matrix;
  Init init = Init::base;
  double init_value = 0;
  bool at_end = false;                ///< of the input or the output embedding, its adapters too
  std::vector<RowRange> frozen_rows;  ///< of the first axis: their gradient is none
  TensorView value;                   ///< compute type; what kernels read
  TensorView master;                  ///< accumulator type; what the optimiser updates
  TensorView grad;                    ///< accumulator type; kernels add to it
  std::int64_t offset = 0;            ///< in the flat buffers, elements
  std::int64_t elements() const {
    std::int64_t n = 1;
    for (const std::int64_t d : shape) n *= d;
    return n;
  }
};

/// All trained parameters in the order of the forward pass, in one flat master and one flat
/// gradient buffer: optimisers and collectives work on shards of those. Addresses of Parameters are
/// stable.
class ParameterTable {
 public:
  explicit ParameterTable(DType compute) : compute_(compute) {}
  /// Only before finish(). The tensor's contents start at zero.
  Parameter& add(std::string name, std::vector<std::int64_t> shape, Role role);
  /// Allocates the flat buffers and fills in every view. Offsets are multiples of 16 elements.
  void finish();
  /// In place of finish(), for a plan: views of the right shapes at addresses that must not be
  /// read.
  void plan();
  std::deque<Parameter>& all() { return parameters_; }
  const std::deque<Parameter>& all() const { return parameters_; }
  Parameter* find(const std::string& name);
  std::int64_t flat_elements() const { return flat_elements_; }
  std::int64_t trained_elements() const;  ///< without alignment gaps
  float* master() const { return static_cast<float*>(master_.data()); }
  float* grad() const { return static_cast<float*>(grad_.data()); }
  bool separate_values() const { return compute_ != accumulator_of(compute_); }
  DType compute() const { return compute_; }
  std::int64_t bytes() const { return master_.bytes() + grad_.bytes() + values_.bytes(); }
  void zero_grad();
  /// After the backward pass, before gradients are measured. As in Axolotl, weight decay still
  /// reaches such rows.
  void zero_grad_of_frozen_rows();

 private:
  void place(std::byte* master, std::byte* grad, std::byte* values);
  DType compute_;
  std::deque<Parameter> parameters_;
  std::int64_t flat_elements_ = 0;
  device::Buffer master_, grad_, values_;
};

}  // namespace axl::tensor
