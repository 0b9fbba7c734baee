#include "model/decoder_layer.hpp"

namespace axl::model {

using device::ArenaScope;
using family::Residual;
using tensor::allocate;

DecoderLayer::Saved DecoderLayer::allocate_saved(device::Arena& arena, DType compute,
                                                 std::int64_t T) const {
  Saved s;
  const std::int64_t C = input_norm.width;
  if (residual != Residual::parallel) s.x1 = allocate(arena, compute, {T, C});
  if (residual == Residual::sandwich) {
    s.attention_out = allocate(arena, compute, {T, C});
    s.mlp_out = allocate(arena, compute, {T, C});
    s.after_attention = attention_out_norm->allocate_saved(arena, compute, T);
    s.after_mlp = mlp_out_norm->allocate_saved(arena, compute, T);
  }
  s.input = input_norm.allocate_saved(arena, compute, T);
  s.post = post_norm.allocate_saved(arena, compute, T);
  s.attention = attention.allocate_saved(arena, compute, T);
  s.mlp = mlp.allocate_saved(arena, compute, T);
  return s;
}

void DecoderLayer::forward(Context& ctx, const Batch& batch, const RopeTables& ropes, TensorView x,
                           TensorView y, Saved& s, std::uint64_t key, KvCache* cache) const {
  const ArenaScope scope(ctx.arena);
  const TensorView normed = allocate(ctx.arena, x.dtype(), {x.dim(0), x.dim(1)});
  input_norm.forward(ctx, x, normed, s.input);
  switch (residual) {
    case Residual::sequential:
      ops::copy(ctx, x, s.x1);
      attention.forward(ctx, batch, ropes, normed, s.x1, true, s.attention, key, cache);
      post_norm.forward(ctx, s.x1, normed, s.post);
      ops::copy(ctx, s.x1, y);
      mlp.forward(ctx, normed, y, true, s.mlp, key);
      return;
    case Residual::sandwich:
      attention.forward(ctx, batch, ropes, normed, s.attention_out, false, s.attention, key, cache);
      attention_out_norm->forward(ctx, s.attention_out, s.x1, s.after_attention);
      ops::add(ctx, x, s.x1);
      post_norm.forward(ctx, s.x1, normed, s.post);
      mlp.forward(ctx, normed, s.mlp_out, false, s.mlp, key);
      mlp_out_norm->forward(ctx, s.mlp_out, y, s.after_mlp);
      ops::add(ctx, s.x1, y);
      return;
    case Residual::parallel:
      ops::copy(ctx, x, y);
      attention.forward(ctx, batch, ropes, normed, y, true, s.attention, key, cache);
      post_norm.forward(ctx, x, normed, s.post);
      mlp.forward(ctx, normed, y, true, s.mlp, key);
      return;
  }
}

void DecoderLayer::mlp_backward(Context& ctx, TensorView x, const Saved& s, TensorView dy,
                                TensorView d) const {
  const ArenaScope scope(ctx.arena);
  const TensorView normed = allocate(ctx.arena, x.dtype(), {x.dim(0), x.dim(1)});
  const TensorView d_normed = allocate(ctx.arena, x.dtype(), {x.dim(0), x.dim(1)});
  post_norm.forward(ctx, x, normed, {});
  mlp.backward(ctx, normed, s.mlp, dy, d_normed);
  post_norm.backward(ctx, x, s.post, d_normed, d, true);
}

void DecoderLayer::attention_backward(Context& ctx, const Batch& batch, const RopeTables& ropes,
                                      TensorView x, const Saved& s, TensorView dy, TensorView d,
                                      bool needs_dx) const {
  const ArenaScope scope(ctx.arena);
  const TensorView normed = allocate(ctx.arena, x.dtype(), {x.dim(0), x.dim(1)});
  const TensorView d_normed = allocate(ctx.arena, x.dtype(), {x.dim(0), x.dim(1)});
  input_norm.forward(ctx, x, normed, {});
  const bool through_norm = needs_dx || input_norm.trains_anything();
  attention.backward(ctx, batch, ropes, normed, s.attention, dy,
                     through_norm ? d_normed : TensorView());
  if (through_norm) input_norm.backward(ctx, x, s.input, d_normed, d, true);
}

void DecoderLayer::backward(Context& ctx, const Batch& batch, const RopeTables& ropes, TensorView x,
                            const Saved& s, TensorView dy, bool needs_dx) const {
  const ArenaScope scope(ctx.arena);
  switch (residual) {
    case Residual::sequential:
      mlp_backward(ctx, s.x1, s, dy, dy);
      attention_backward(ctx, batch, ropes, x, s, dy, dy, needs_dx);
      return;
    case Residual::sandwich: {
      const TensorView d = allocate(ctx.arena, x.dtype(), {x.dim(0), x.dim(1)});
      mlp_out_norm->backward(ctx, s.mlp_out, s.after_mlp, dy, d, false);
      mlp_backward(ctx, s.x1, s, d, dy);
      attention_out_norm->backward(ctx, s.attention_out, s.after_attention, dy, d, false);
      attention_backward(ctx, batch, ropes, x, s, d, dy, needs_dx);
      return;
    }
    case Residual::parallel: {
      const TensorView d = allocate(ctx.arena, x.dtype(), {x.dim(0), x.dim(1)});
      ops::copy(ctx, dy, d);
      mlp_backward(ctx, x, s, d, dy);
      attention_backward(ctx, batch, ropes, x, s, d, dy, needs_dx);
      return;
    }
  }
}

std::vector<Linear*> DecoderLayer::linears() {
  std::vector<Linear*> out = attention.linears();
  for (Linear* l : mlp.linears()) out.push_back(l);
  return out;
}

std::vector<const Linear*> DecoderLayer::linears() const {
  const std::vector<Linear*> all = const_cast<DecoderLayer*>(this)->linears();
  return {all.begin(), all.end()};
}

std::vector<const Norm*> DecoderLayer::norms() const {
  const std::vector<Norm*> all = const_cast<DecoderLayer*>(this)->norms();
  return {all.begin(), all.end()};
}

std::vector<Norm*> DecoderLayer::norms() {
  std::vector<Norm*> out{&input_norm, &post_norm};
  for (std::optional<Norm>* n :
       {&attention_out_norm, &mlp_out_norm, &attention.q_norm, &attention.k_norm})
    if (*n) out.push_back(&**n);
  return out;
}

}  // namespace axl::model
