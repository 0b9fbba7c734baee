#include "adapter/lora.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "adapter/method.hpp"
#include "adapter/peft_files.hpp"
#include "core/error.hpp"

namespace axl::adapter {

using device::ArenaScope;

TensorView Lora::allocate_saved(device::Arena& arena, DType compute, std::int64_t T) const {
  return tensor::allocate(arena, compute, {T, a->shape[0]});  // dropout(x) A^T
}

void Lora::add(Context& ctx, TensorView x, TensorView z, Saved& saved) const {
  const ArenaScope scope(ctx.arena);
  TensorView input = x;
  if (dropout > 0 && saved.dropout_key != 0) {
    input = tensor::allocate(ctx.arena, x.dtype(), {x.dim(0), x.dim(1)});
    ops::dropout(ctx, x, input, dropout, saved.dropout_key, false);
  }
  ops::matmul(ctx, input, a->value, saved.h, {.trans_b = true});
  ops::matmul(ctx, saved.h, b->value, z, {.trans_b = true, .alpha = scale, .accumulate = true});
}

void Lora::add_backward(Context& ctx, TensorView x, const Saved& saved, TensorView dz,
                        TensorView dx) const {
  const std::int64_t T = x.dim(0), r = a->shape[0];
  const bool dropped = dropout > 0 && saved.dropout_key != 0;
  const TensorView dh = tensor::allocate(ctx.arena, x.dtype(), {T, r});
  ops::matmul(ctx, dz, b->value, dh, {.alpha = scale});
  ops::matmul(ctx, dz, saved.h, b->grad, {.trans_a = true, .alpha = scale, .accumulate = true});
  TensorView input = x;
  if (dropped) {
    input = tensor::allocate(ctx.arena, x.dtype(), {T, x.dim(1)});
    ops::dropout(ctx, x, input, dropout, saved.dropout_key, false);
  }
  ops::matmul(ctx, dh, input, a->grad, {.trans_a = true, .accumulate = true});
  if (!dx) return;
  if (!dropped) {
    ops::matmul(ctx, dh, a->value, dx, {.accumulate = true});
    return;
  }
  ops::matmul(ctx, dh, a->value, input, {});
  ops::dropout(ctx, input, dx, dropout, saved.dropout_key, true);
}

void Dora::scale_output(Context& ctx, const Saved& saved, TensorView y, bool accumulate) const {
  ops::scale_columns(ctx, saved.z, factor_, y, accumulate);
}

void Dora::scale_output_backward(Context& ctx, const Saved& saved, TensorView dy,
                                 TensorView dz) const {
  ops::scale_columns_backward(ctx, dy, saved.z, inverse_norm_, magnitude_->grad);
  ops::scale_columns(ctx, dy, factor_, dz, false);
}

void Dora::place_derived(TensorView room) {
  auto* next = static_cast<std::byte*>(room.data());
  for (TensorView* view : {&base_norms_, &factor_, &inverse_norm_}) {
    *view = TensorView(next, room.dtype(), {magnitude_->shape[0]});
    next += view->bytes();
  }
}

/// The norms of what is multiplied, which is not always what the file has.
void Dora::begin(Context& ctx, const quant::FrozenMatrix& weight) {
  constexpr std::int64_t kRows = 64;
  const ArenaScope scope(ctx.arena);
  const TensorView room = tensor::allocate(ctx.arena, base_norms_.dtype(),
                                           {std::min(kRows, weight.rows), weight.columns});
  const auto in_type = [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t first = 0; first < weight.rows; first += kRows) {
      const std::int64_t n = std::min(kRows, weight.rows - first);
      weight.format->decode_rows(ctx, weight, first, room.rows(0, n));
      for (std::int64_t r = 0; r < n; ++r) {
        double square = 0;
        for (std::int64_t c = 0; c < weight.columns; ++c) {
          const auto x = static_cast<double>(room.as<T>()[r * weight.columns + c]);
          square += x * x;
        }
        base_norms_.as<T>()[first + r] = static_cast<T>(square);
        magnitude_->master.as<T>()[first + r] = static_cast<T>(std::sqrt(square));
      }
    }
  };
  if (base_norms_.dtype() == DType::f64)
    in_type(double{});
  else
    in_type(float{});
}

void Dora::refresh(Context& ctx, const quant::FrozenMatrix& weight) const {
  const ArenaScope scope(ctx.arena);
  const TensorView a = lora_.a->value;
  const DType acc = tensor::accumulator_of(a.dtype());
  const std::int64_t r = a.dim(0);
  const TensorView aw = tensor::allocate(ctx.arena, acc, {r, weight.rows});
  const TensorView aa = tensor::allocate(ctx.arena, acc, {r, r});
  weight.format->times(ctx, weight, a, aw, false);
  ops::matmul(ctx, a, a, aa, {.trans_b = true});
  ops::dora_factor(ctx, lora_.b->value, aw, aa, base_norms_, magnitude_->master, factor_,
                   inverse_norm_, lora_.scale);
}

namespace {

void attach(const AttachContext& c, Linear& linear) {
  const PeftConfig& peft = c.config;
  if (peft.use_dora && c.head)
    throw Error(ErrorCode::unsupported,
                "peft_use_dora: DoRA on '" + linear.name + "' is not supported")
        .hint("leave it out of lora_target_modules, or take LoRA");
  const std::int64_t r = peft.rank_of(linear.name);
  auto lora = std::make_unique<Lora>();
  lora->a = &c.parameters.add(adapter_tensor_name(AdapterRole::lora_a, linear.name, peft),
                              {r, linear.in}, tensor::Role::lora_a);
  lora->b = &c.parameters.add(adapter_tensor_name(AdapterRole::lora_b, linear.name, peft),
                              {linear.out, r}, tensor::Role::lora_b);
  lora->a->init = tensor::Init::kaiming_uniform;
  lora->b->init = tensor::Init::constant;
  lora->a->at_end = lora->b->at_end = c.head;
  lora->scale = static_cast<float>(peft.scaling_of(linear.name));
  lora->dropout = peft.lora_dropout;
  std::unique_ptr<LinearAdapter> dora;
  if (peft.use_dora) {
    Parameter& magnitude =
        c.parameters.add(adapter_tensor_name(AdapterRole::magnitude, linear.name, peft),
                         {linear.out}, tensor::Role::magnitude);
    magnitude.init = tensor::Init::derived;
    dora = std::make_unique<Dora>(*lora, &magnitude);
  }
  linear.adapters.push_back(std::move(lora));
  if (dora) linear.adapters.push_back(std::move(dora));
}

}  // namespace

AdapterMethod lora_method() { return {"LORA", &attach}; }

}  // namespace axl::adapter
