#include "tensor/parameters.hpp"

#include <cstring>

namespace axl::tensor {
namespace {

TensorView view_of(std::byte* flat, const Parameter& p, DType dtype) {
  void* at = flat + p.offset * size_of(dtype);
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
  place(static_cast<std::byte*>(master_.data()), static_cast<std::byte*>(grad_.data()),
        static_cast<std::byte*>(values_.data()));
}

void ParameterTable::plan() {
  device::Arena room = device::Arena::planning();
  const auto take = [&] {
    return static_cast<std::byte*>(room.allocate(flat_elements_ * size_of(DType::f64)));
  };
  std::byte* master = take();
  std::byte* grad = take();
  place(master, grad, take());
}

void ParameterTable::place(std::byte* master, std::byte* grad, std::byte* values) {
  const DType acc = accumulator_of(compute_);
  for (Parameter& p : parameters_) {
    p.master = view_of(master, p, acc);
    p.grad = view_of(grad, p, acc);
    p.value = separate_values() ? view_of(values, p, compute_) : p.master;
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
