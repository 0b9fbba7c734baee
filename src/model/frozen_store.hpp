#pragma once
#include <functional>
#include <string>
#include <vector>

#include "axl/kernels/table.hpp"
#include "quant/frozen_matrix.hpp"
#include "tensor/tensor_view.hpp"
#include "weights/weight_file.hpp"

namespace axl::model {

using tensor::TensorView;

/// Where converted weights live. The ranks of a node share one block: one of them fills it.
struct WeightMemory {
  std::function<void*(std::int64_t bytes)>
      allocate;                         ///< 64-byte aligned, as long as the model lives
  bool fills = true;                    ///< this rank writes
  std::function<void()> fence = [] {};  ///< returns when the block is written
  /// Runs the body on every rank that shares the memory; what it throws on one, all throw.
  std::function<void(const std::function<void()>&)> together = [](const auto& body) { body(); };
};
/// Memory of this process alone; it is kept alive by `owner`.
WeightMemory private_weight_memory(std::vector<device::Buffer>& owner);

/// Frozen weights: used as they lie in the file where their format can, made once otherwise.
/// Requests are collected first, so that memory is one block whose size is known before anything is
/// written.
class FrozenStore {
 public:
  FrozenStore(const kernels::KernelTable& kernels, DType compute)
      : kernels_(kernels), compute_(compute) {}
  /// *target = the vector in the compute type; target and entry must outlive materialise().
  void want(const weights::TensorEntry& entry, TensorView* target);
  /// *target = the matrix, in the format that the registry finds for the request. The store fills
  /// in the kernels and the compute type.
  void want(quant::MatrixRequest request, quant::FrozenMatrix* target);
  std::int64_t bytes() const { return bytes_; }
  std::int64_t mapped_bytes() const { return mapped_bytes_; }
  /// Error{input} names a value that is NaN or infinite, of mapped weights too: looked for once on
  /// every node, by the rank that fills the memory.
  void materialise(const WeightMemory& memory, kernels::Queue& queue);
  /// Gives every target its shape and an address that must not be read: for a plan.
  void plan();

 private:
  struct Vector {
    const weights::TensorEntry* entry;
    TensorView* view;
    bool mapped;
    std::int64_t offset;
  };
  struct Matrix {
    quant::MatrixRequest request;
    const quant::MatrixFormat* format;
    quant::FrozenMatrix* target;
    std::int64_t bytes, offset;
  };
  std::int64_t reserve(std::int64_t bytes);
  void place(std::byte* base);
  void fill(kernels::Queue& queue) const;
  const kernels::KernelTable& kernels_;
  DType compute_;
  std::vector<Vector> vectors_;
  std::vector<Matrix> matrices_;
  std::int64_t bytes_ = 0, mapped_bytes_ = 0;
};

}  // namespace axl::model
