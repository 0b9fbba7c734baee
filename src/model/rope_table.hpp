#pragma once
#include <vector>

#include "device/arena.hpp"
#include "family/shape.hpp"
#include "tensor/tensor_view.hpp"

namespace axl::model {

/// Inverse frequencies (rotated / 2 values) and the factor on cos and sin, for a context of
/// `seq_len` positions of a model that was made for `max_positions`. default: Su et al. 2021;
/// linear: Chen et al. 2023, arXiv:2306.15595; dynamic NTK as transformers does it (depends on
/// seq_len beyond the trained length); llama3: Meta's Llama 3.1 frequency bands; yarn: Peng et al.
/// 2023, arXiv:2309.00071, section 3; longrope: Ding et al. 2024, arXiv:2402.13753, as Phi-3 has it
/// (one set of divisors up to the original length, another beyond).
struct RopeFrequencies {
  std::vector<double> inverse;
  double attention_factor = 1.0;
};
RopeFrequencies rope_frequencies(const family::RopeShape& shape, std::int64_t max_positions,
                                 std::int64_t seq_len);

/// cos and sin for positions [0, positions), both (positions, rotated / 2) in `dtype`, with the
/// frequencies of a context of `seq_len`.
class RopeTable {
 public:
  RopeTable() = default;
  RopeTable(const family::RopeShape& shape, std::int64_t max_positions, std::int64_t positions,
            std::int64_t seq_len, DType dtype);
  tensor::TensorView cos() const { return cos_; }
  tensor::TensorView sin() const { return sin_; }
  std::int64_t positions() const { return cos_ ? cos_.dim(0) : 0; }

 private:
  device::Buffer memory_;
  tensor::TensorView cos_, sin_;
};

/// The tables of all kinds of layers of a model, which follow the length of what is computed
/// together where their scaling does.
class RopeTables {
 public:
  RopeTables() = default;
  RopeTables(std::vector<family::RopeShape> shapes, std::int64_t max_positions, DType dtype)
      : shapes_(std::move(shapes)),
        max_positions_(max_positions),
        dtype_(dtype),
        tables_(shapes_.size()),
        built_for_(shapes_.size(), -1) {}
  const RopeTable& at(int i) const { return tables_[static_cast<std::size_t>(i)]; }
  /// Room for positions below `positions`.
  void reserve(std::int64_t positions);
  /// What is computed next has `length` positions: tables whose frequencies depend on that follow.
  void follow(std::int64_t length);
  /// Keys of another length cannot be used again: dynamic scaling beyond the trained length.
  bool depend_on(std::int64_t length) const;
  /// Keys of the first `before` positions no longer hold once there are `after`: longrope takes
  /// other divisors beyond the original length.
  bool change_between(std::int64_t before, std::int64_t after) const;

 private:
  /// Which of a table's sets of frequencies a context of `length` takes; equal: the same.
  std::int64_t kind_for(const family::RopeShape& shape, std::int64_t length) const;
  void build(std::size_t i, std::int64_t positions, std::int64_t length);
  std::vector<family::RopeShape> shapes_;
  std::int64_t max_positions_ = 0;
  DType dtype_ = DType::f32;
  std::vector<RopeTable> tables_;
  std::vector<std::int64_t> built_for_;  ///< kind_for of every table
};

}  // namespace axl::model
