#include "adapter/linear.hpp"

#include <algorithm>

namespace axl::adapter {

using device::ArenaScope;
using Output = LinearAdapter::Output;

Linear::Saved Linear::allocate_saved(device::Arena& arena, DType compute, std::int64_t T) const {
  Saved saved;
  for (const auto& adapter : adapters) {
    LinearAdapter::Saved& own = saved.adapters.emplace_back();
    own.h = adapter->allocate_saved(arena, compute, T);
    if (adapter->output() != Output::unscaled) own.z = tensor::allocate(arena, compute, {T, out});
  }
  return saved;
}

const LinearAdapter* Linear::input_scaler() const {
  const auto found = std::find_if(adapters.begin(), adapters.end(),
                                  [](const auto& adapter) { return adapter->scales_input(); });
  return found == adapters.end() ? nullptr : found->get();
}

void Linear::forward(Context& ctx, TensorView x, TensorView y, bool accumulate, Saved& saved,
                     std::uint64_t layer_key) const {
  const std::size_t count = ctx.adapters_off ? 0 : adapters.size();
  const ArenaScope scope(ctx.arena);
  TensorView input = x;
  if (const LinearAdapter* scaler = count > 0 ? input_scaler() : nullptr) {
    input = tensor::allocate(ctx.arena, x.dtype(), {x.dim(0), in});
    scaler->scale_input(ctx, x, input);
  }
  // Where adapters scale what comes out, one after another, each one's input is saved.
  const auto scaler_from = [&](std::size_t i) {
    while (i < count && adapters[i]->output() == Output::unscaled) ++i;
    return i;
  };
  std::size_t scaler = scaler_from(0);
  const TensorView sum = scaler < count ? saved.adapters[scaler].z : y;
  weight.format->times(ctx, weight, input, sum, accumulate && scaler == count);
  std::uint64_t key =
      layer_key == 0 || ordinal == 0 ? layer_key : kernels::hash_counter(layer_key, ordinal) | 1u;
  for (std::size_t i = 0; i < count; ++i) {
    saved.adapters[i].dropout_key = key;
    adapters[i]->add(ctx, input, sum, saved.adapters[i]);
    if (key != 0) key = kernels::hash_counter(key, i) | 1u;
  }
  bool has_bias = !bias;
  while (scaler < count) {
    const LinearAdapter::Saved& own = saved.adapters[scaler];
    if (adapters[scaler]->output() == Output::with_bias && !has_bias) {
      ops::bias_add(ctx, own.z, bias);
      has_bias = true;
    }
    const std::size_t next = scaler_from(scaler + 1);
    const bool last = next == count;
    adapters[scaler]->scale_output(ctx, own, last ? y : saved.adapters[next].z, last && accumulate);
    scaler = next;
  }
  if (!has_bias) ops::bias_add(ctx, y, bias);
}

void Linear::backward(Context& ctx, TensorView x, const Saved& saved, TensorView dy, TensorView dx,
                      bool accumulate_dx) const {
  const ArenaScope scope(ctx.arena);
  // The bias was added before the first adapter that scales it, or at the end.
  const auto with_bias = std::find_if(adapters.begin(), adapters.end(), [](const auto& adapter) {
    return adapter->output() == Output::with_bias;
  });
  const auto bias_at = static_cast<std::size_t>(with_bias - adapters.begin());
  if (trained_bias != nullptr && bias_at == adapters.size())
    ops::bias_backward(ctx, dy, trained_bias->grad);
  for (std::size_t i = adapters.size(); i-- > 0;) {
    if (adapters[i]->output() == Output::unscaled) continue;
    const TensorView dz = tensor::allocate(ctx.arena, dy.dtype(), {dy.dim(0), out});
    adapters[i]->scale_output_backward(ctx, saved.adapters[i], dy, dz);
    dy = dz;
    if (trained_bias != nullptr && bias_at == i) ops::bias_backward(ctx, dy, trained_bias->grad);
  }
  const LinearAdapter* scaler = input_scaler();
  TensorView input = x, d_input = dx;
  if (scaler != nullptr) {
    input = tensor::allocate(ctx.arena, x.dtype(), {x.dim(0), in});
    d_input = tensor::allocate(ctx.arena, x.dtype(), {x.dim(0), in});
    scaler->scale_input(ctx, x, input);
  }
  if (trained_weight != nullptr)
    ops::matmul(ctx, conv1d ? input : dy, conv1d ? dy : input, trained_weight->grad,
                {.trans_a = true, .accumulate = true});
  if (d_input)
    weight.format->times_transposed(ctx, weight, dy, d_input, accumulate_dx && scaler == nullptr);
  for (std::size_t i = adapters.size(); i-- > 0;)
    adapters[i]->add_backward(ctx, input, saved.adapters[i], dy, d_input);
  if (scaler != nullptr) scaler->scale_input_backward(ctx, x, d_input, dx, accumulate_dx);
}

void Linear::refresh(Context& ctx) const {
  for (const auto& adapter : adapters) adapter->refresh(ctx, weight);
}

}  // namespace axl::adapter
