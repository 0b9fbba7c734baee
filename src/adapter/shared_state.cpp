#include <algorithm>

#include "adapter/method.hpp"
#include "core/error.hpp"

namespace axl::adapter {

void SharedState::note(const Linear& linear) {
  inputs_ = std::max(inputs_, linear.in);
  outputs_ = std::max(outputs_, linear.out);
}

void SharedState::set_projection(VeraProjection projection) {
  const VeraProjection& p = projection;
  const bool fits = p.inputs == inputs_ && p.outputs == outputs_ &&
                    (projection_.a.empty() || p.rank == projection_.rank);
  if (!fits)
    throw Error(ErrorCode::input, "VeRA's projections are (" + std::to_string(p.rank) + ", " +
                                      std::to_string(p.inputs) + ") and (" +
                                      std::to_string(p.outputs) + ", " + std::to_string(p.rank) +
                                      "), the layers ask for inputs of " + std::to_string(inputs_) +
                                      " and outputs of " + std::to_string(outputs_));
  projection_ = std::move(projection);
  for (const auto& part : parts_) fill(*part);
}

void SharedState::fill(const Part& part) const {
  const std::int64_t r = projection_.rank, n = part.size;
  const auto value = [&](std::int64_t i) {
    const std::int64_t row = part.of_a ? i / n : i / r, column = part.of_a ? i % n : i % r;
    return part.of_a ? projection_.a[static_cast<std::size_t>(row * projection_.inputs + column)]
                     : projection_.b[static_cast<std::size_t>(row * r + column)];
  };
  for (std::int64_t i = 0; i < part.view.elements(); ++i) {
    if (compute_ == DType::f32)
      part.view.as<float>()[i] = value(i);
    else if (compute_ == DType::bf16)
      part.view.as<bf16>()[i] = bf16(value(i));
    else
      part.view.as<double>()[i] = static_cast<double>(value(i));
  }
}

TensorView SharedState::part(bool of_a, std::int64_t size) {
  for (const auto& known : parts_)
    if (known->of_a == of_a && known->size == size) return known->view;
  Part& made = *parts_.emplace_back(std::make_unique<Part>());
  made.of_a = of_a;
  made.size = size;
  made.memory = device::Buffer(projection_.rank * size * size_of(compute_));
  made.view = of_a ? TensorView(made.memory.data(), compute_, {projection_.rank, size})
                   : TensorView(made.memory.data(), compute_, {size, projection_.rank});
  fill(made);
  return made.view;
}

TensorView SharedState::first_columns(std::int64_t in) { return part(true, in); }
TensorView SharedState::first_rows(std::int64_t out) { return part(false, out); }

}  // namespace axl::adapter
