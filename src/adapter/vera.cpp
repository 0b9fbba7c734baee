#include "adapter/vera.hpp"

#include <cmath>
#include <random>

#include "adapter/method.hpp"
#include "adapter/peft_files.hpp"
#include "core/error.hpp"
#include "weights/finite.hpp"

namespace axl::adapter {

using device::ArenaScope;

/// torch.nn.init's bound for a = 0 is sqrt(3) * sqrt(2 / fan_in); torch draws 24 bits of its
/// Mersenne twister a number.
VeraProjection VeraProjection::make(std::int64_t rank, std::int64_t inputs, std::int64_t outputs,
                                    std::uint64_t key) {
  VeraProjection p{rank, inputs, outputs, {}, {}};
  std::mt19937 generator(static_cast<std::mt19937::result_type>(key));
  const auto fill = [&](std::vector<float>& values, std::int64_t n, std::int64_t fan_in) {
    const auto bound = static_cast<float>(std::sqrt(3.0) * std::sqrt(2.0) /
                                          std::sqrt(static_cast<double>(fan_in)));
    values.resize(static_cast<std::size_t>(n));
    for (float& v : values) {
      const float unit = static_cast<float>(generator() & 0xFFFFFFu) * 0x1p-24f;
      v = std::fma(unit, bound - -bound, -bound);  // as torch's build rounds it
    }
  };
  fill(p.a, rank * inputs, inputs);
  fill(p.b, outputs * rank, rank);
  return p;
}

std::optional<VeraProjection> saved_projection(const AdapterFiles& files) {
  const weights::TensorEntry* a = files.find(AdapterRole::vera_a_shared, "");
  const weights::TensorEntry* b = files.find(AdapterRole::vera_b_shared, "");
  if (a == nullptr && b == nullptr) return std::nullopt;
  const std::int64_t r = files.config().r;
  if (a == nullptr || b == nullptr || a->shape.size() != 2 || b->shape.size() != 2 ||
      a->shape[0] != r || b->shape[1] != r)
    throw Error(ErrorCode::input, files.folder() +
                                      "/adapter_model.safetensors: base_model.vera_A and "
                                      "base_model.vera_B do not fit each other or r of " +
                                      std::to_string(r));
  VeraProjection p{r, a->shape[1], b->shape[0], {}, {}};
  for (const auto& [values, entry] : {std::pair{&p.a, a}, std::pair{&p.b, b}}) {
    values->resize(static_cast<std::size_t>(entry->elements()));
    weights::to_finite_float(*entry, 0, entry->elements(), values->data());
  }
  return p;
}

TensorView Vera::allocate_saved(device::Arena& arena, DType compute, std::int64_t T) const {
  return tensor::allocate(arena, compute, {T, a.dim(0)});
}

void Vera::add(Context& ctx, TensorView x, TensorView z, Saved& saved) const {
  const ArenaScope scope(ctx.arena);
  const std::int64_t T = x.dim(0);
  TensorView input = x;
  if (dropout > 0 && saved.dropout_key != 0) {
    input = tensor::allocate(ctx.arena, x.dtype(), {T, x.dim(1)});
    ops::dropout(ctx, x, input, dropout, saved.dropout_key, false);
  }
  ops::matmul(ctx, input, a, saved.h, {.trans_b = true});
  const TensorView u = tensor::allocate(ctx.arena, x.dtype(), {T, a.dim(0)});
  const TensorView v = tensor::allocate(ctx.arena, x.dtype(), {T, b.dim(0)});
  ops::scale_columns(ctx, saved.h, lambda_d->master, u, false);
  ops::matmul(ctx, u, b, v, {.trans_b = true});
  if (z.dtype() == v.dtype()) return ops::scale_columns(ctx, v, lambda_b->master, z, true);
  // Logits have the accumulator type.
  const TensorView scaled = tensor::allocate(ctx.arena, v.dtype(), {T, b.dim(0)});
  const TensorView wide = tensor::allocate(ctx.arena, z.dtype(), {T, b.dim(0)});
  ops::scale_columns(ctx, v, lambda_b->master, scaled, false);
  ops::convert(ctx, scaled, wide);
  ops::add(ctx, wide, z);
}

void Vera::add_backward(Context& ctx, TensorView x, const Saved& saved, TensorView dz,
                        TensorView dx) const {
  const ArenaScope scope(ctx.arena);
  const std::int64_t T = x.dim(0), r = a.dim(0), out = b.dim(0);
  const TensorView u = tensor::allocate(ctx.arena, x.dtype(), {T, r});
  const TensorView v = tensor::allocate(ctx.arena, x.dtype(), {T, out});
  ops::scale_columns(ctx, saved.h, lambda_d->master, u, false);
  ops::matmul(ctx, u, b, v, {.trans_b = true});
  ops::scale_columns_backward(ctx, dz, v, {}, lambda_b->grad);
  const TensorView dv = v, du = u;  // v and u are done with
  ops::scale_columns(ctx, dz, lambda_b->master, dv, false);
  ops::matmul(ctx, dv, b, du, {});
  ops::scale_columns_backward(ctx, du, saved.h, {}, lambda_d->grad);
  if (!dx) return;
  const TensorView dh = tensor::allocate(ctx.arena, x.dtype(), {T, r});
  ops::scale_columns(ctx, du, lambda_d->master, dh, false);
  if (dropout == 0 || saved.dropout_key == 0) {
    ops::matmul(ctx, dh, a, dx, {.accumulate = true});
    return;
  }
  const TensorView dropped = tensor::allocate(ctx.arena, x.dtype(), {T, x.dim(1)});
  ops::matmul(ctx, dh, a, dropped, {});
  ops::dropout(ctx, dropped, dx, dropout, saved.dropout_key, true);
}

namespace {

void attach(const AttachContext& c, Linear& linear) {
  const PeftConfig& peft = c.config;
  if (!c.shared.has_projection())
    c.shared.set_projection(VeraProjection::make(peft.r, c.shared.inputs(), c.shared.outputs(),
                                                 peft.projection_prng_key));
  auto vera = std::make_unique<Vera>();
  const auto add = [&](AdapterRole role, std::int64_t n, double value) {
    Parameter& p =
        c.parameters.add(adapter_tensor_name(role, linear.name, peft), {n}, tensor::Role::scale);
    p.init = tensor::Init::constant;
    p.init_value = value;
    p.at_end = c.head;
    return &p;
  };
  vera->lambda_b = add(AdapterRole::vera_b, linear.out, 0.0);
  vera->lambda_d = add(AdapterRole::vera_d, peft.r, peft.d_initial);
  vera->a = c.shared.first_columns(linear.in);
  vera->b = c.shared.first_rows(linear.out);
  vera->dropout = peft.lora_dropout;
  linear.adapters.push_back(std::move(vera));
}

}  // namespace

AdapterMethod vera_method() { return {"VERA", &attach}; }

}  // namespace axl::adapter
