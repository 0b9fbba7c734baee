#pragma once
#include <functional>
#include <string>
#include <vector>

#include "axl/kernels/table.hpp"
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

/// Frozen weights: read straight from the file's memory map where its type is the compute type, or
/// the narrower one that matmul() takes; converted or packed once otherwise. Requests are collected
/// first, so that memory is one block whose size is known before anything is written.
class FrozenStore {
 public:
  /// `stored`: the type of converted matrices; compute, or bf16 while f32 is computed.
  FrozenStore(const kernels::KernelTable& kernels, DType compute, DType stored)
      : kernels_(kernels), compute_(compute), stored_(stored) {}
  /// *target = the tensor in the compute type; it must outlive materialise(). `for_matmul`: it may
  /// stay bf16 while f32 is computed.
  void want(const weights::TensorEntry& entry, TensorView* target, bool for_matmul = false);
  /// *target = packed copy: of the transpose (forward) or of the matrix (backward). False: the back
  /// end does not pack this type.
  bool want_packed(const weights::TensorEntry& entry, bool transposed,
                   kernels::PackedMatrix* target);
  std::int64_t bytes() const { return bytes_; }
  std::int64_t mapped_bytes() const { return mapped_bytes_; }
  /// Error{input} names a value that is NaN or infinite, of mapped weights too: looked for once on
  /// every node, by the rank that fills the memory.
  void materialise(const WeightMemory& memory, kernels::Queue& queue);
  /// Gives every target its shape and an address that must not be read: for a plan.
  void plan();

 private:
  struct Job {
    const weights::TensorEntry* entry;
    TensorView* view = nullptr;
    kernels::PackedMatrix* packed = nullptr;
    bool transposed = false;
    DType type;
    std::int64_t offset = 0;
  };
  std::int64_t reserve(std::int64_t bytes);
  void fill(std::byte* base, kernels::Queue& queue) const;
  const kernels::KernelTable& kernels_;
  DType compute_, stored_;
  std::vector<Job> jobs_;
  std::vector<const weights::TensorEntry*> mapped_;  ///< used where they lie
  std::int64_t bytes_ = 0, mapped_bytes_ = 0;
};

}  // namespace axl::model
