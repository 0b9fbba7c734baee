#include "optim/groups.hpp"

namespace axl::optim {
namespace {

using tensor::Parameter;
using tensor::Role;

Group lora_plus_group(const Parameter& p, double learning_rate, const GroupOptions& o) {
  if (p.role == Role::lora_embedding_a || p.role == Role::lora_embedding_b)
    return {o.embedding_adapter_lr.value_or(learning_rate), false};
  const bool fast = p.role == Role::lora_b || p.shape.size() == 1;
  return {fast ? learning_rate * *o.lora_plus_ratio : learning_rate, false};
}

bool is_embedding_like(const Parameter& p, bool adapter) {
  return p.at_end || (adapter && (p.role == Role::matrix || p.role == Role::norm));
}

}  // namespace

Group group_of(const Parameter& p, double learning_rate, const GroupOptions& o) {
  if (o.lora_plus_ratio) return lora_plus_group(p, learning_rate, o);
  if (o.embedding_group && is_embedding_like(p, o.adapter)) {
    const double own = o.embedding_lr.value_or(learning_rate);
    return {o.embedding_lr_scale ? learning_rate * *o.embedding_lr_scale : own, false};
  }
  return {learning_rate, p.role != Role::norm && p.role != Role::bias};
}

}  // namespace axl::optim
