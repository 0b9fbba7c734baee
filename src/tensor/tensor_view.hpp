#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "axl/kernels/types.hpp"
#include "core/error.hpp"
#include "device/arena.hpp"

namespace axl::tensor {

/// Borrowed, contiguous, row-major, rank 0 to 4. Passed by value.
class TensorView {
 public:
  TensorView() = default;
  TensorView(void* data, DType dtype, std::initializer_list<std::int64_t> dims)
      : data_(data), dtype_(dtype), rank_(static_cast<int>(dims.size())) {
    int i = 0;
    for (const std::int64_t d : dims) dims_[static_cast<std::size_t>(i++)] = d;
  }
  void* data() const { return data_; }
  DType dtype() const { return dtype_; }
  int rank() const { return rank_; }
  std::int64_t dim(int i) const { return dims_[static_cast<std::size_t>(i)]; }
  std::int64_t elements() const {
    std::int64_t n = rank_ == 0 ? 0 : 1;
    for (int i = 0; i < rank_; ++i) n *= dim(i);
    return n;
  }
  std::int64_t bytes() const { return elements() * size_of(dtype_); }
  explicit operator bool() const { return data_ != nullptr; }
  template <class T>
  T* as() const {
    AXL_CHECK(dtype_of<T>() == dtype_, "tensor is " + std::string(name_of(dtype_)) +
                                           ", asked for " + std::string(name_of(dtype_of<T>())));
    return static_cast<T*>(data_);
  }
  /// Rows [first, first + count) of the outermost axis.
  TensorView rows(std::int64_t first, std::int64_t count) const {
    TensorView v = *this;
    const std::int64_t row = dim(0) == 0 ? 0 : elements() / dim(0);
    v.data_ = static_cast<std::byte*>(data_) + first * row * size_of(dtype_);
    v.dims_[0] = count;
    return v;
  }
  /// "(512, 576) bf16", for messages.
  std::string shape_text() const {
    std::string s = "(";
    for (int i = 0; i < rank_; ++i) s += (i > 0 ? ", " : "") + std::to_string(dim(i));
    return s + ") " + std::string(name_of(dtype_));
  }

 private:
  void* data_ = nullptr;
  DType dtype_ = DType::f32;
  int rank_ = 0;
  std::array<std::int64_t, 4> dims_{};
};

/// A view of new arena memory.
inline TensorView allocate(device::Arena& arena, DType dtype,
                           std::initializer_list<std::int64_t> dims) {
  std::int64_t n = 1;
  for (const std::int64_t d : dims) n *= d;
  return {arena.allocate(n * size_of(dtype)), dtype, dims};
}

/// The type in which gradients, statistics and trained parameters of a compute type are kept.
inline DType accumulator_of(DType compute) {
  return compute == DType::f64 ? DType::f64 : DType::f32;
}

}  // namespace axl::tensor
