#include "tensor/parameters.hpp"

#include <cstring>

namespace axl::tensor {
namespace {

TensorView view_of(const device::Buffer& buffer, const Parameter& p, DType dtype) {
  void* at = static_cast<std::byte*>(buffer.data()) + p.offset * size_of(dtype);
  AXL_CHECK(p.shape.size() == 1 || p.shape.size() == 2, p.name + ": parameters have 1 or 2 axes");
  if (p.shape.size() == 1) return {at, dtype, {p.shape[0]}};
  return {at, dtype, {p.shape[0], p.shape[1]}};
}

}  // namespace

Parameter& ParameterTable::add(std::string name, std::vector<std::int64_t> shape, Role role) {
  AXL_CHECK(master_.data() == nullptr, "parameters are added before finish()");
  Parameter& p = parameters_.emplace_back();
  p.name = std::move(name);
  p.shape = std::move(shape);
  p.role = role;
  p.at_end = role == Role::embedding || role == Role::head || role == Role::lora_embedding_a ||
             role == Role::lora_embedding_b || role == Role::token_rows;
  p.offset = flat_elements_;
  flat_elements_ += (p.elements() + 15) / 16 * 16;
  return p;
}

void ParameterTable::finish() {
  const DType acc = accumulator_of(compute_);
  master_ = device::Buffer(flat_elements_ * size_of(acc));
  grad_ = device::Buffer(flat_elements_ * size_of(acc));
  if (separate_values()) values_ = device::Buffer(flat_elements_ * size_of(compute_));
  for (Parameter& p : parameters_) {
    p.master = view_of(master_, p, acc);
    p.grad = view_of(grad_, p, acc);
    p.value = separate_values() ? view_of(values_, p, compute_) : p.master;
  }
}

Parameter* ParameterTable::find(const std::string& name) {
  for (Parameter& p : parameters_)
    if (p.name == name) return &p;
  return nullptr;
}

std::int64_t ParameterTable::trained_elements() const {
  std::int64_t n = 0;
  for (const Parameter& p : parameters_) n += p.elements();
  return n;
}

void ParameterTable::zero_grad() {
  if (grad_.bytes() > 0) std::memset(grad_.data(), 0, static_cast<std::size_t>(grad_.bytes()));
}

void ParameterTable::zero_grad_of_frozen_rows() {
  for (const Parameter& p : parameters_) {
    const std::int64_t row = p.elements() / p.shape[0] * size_of(p.grad.dtype());
    for (const auto& [begin, end] : p.frozen_rows)
      std::memset(static_cast<std::byte*>(p.grad.data()) + begin * row, 0,
                  static_cast<std::size_t>((end - begin) * row));
  }
}

}  // namespace axl::tensor
