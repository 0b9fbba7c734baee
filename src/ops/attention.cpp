#include "ops/checks.hpp"

namespace axl::ops {

void attention(Context& ctx, const AttentionShape& s, const Heads& q, const Heads& k,
               const Heads& v, TensorView o, TensorView lse) {
  const std::int64_t Tq = q.rows.dim(0), D = q.head_dim;
  require_heads("attention", "q", q);
  require_heads("attention", "k", k);
  require_heads("attention", "v", v);
  require("attention", "v", v.rows, {k.rows.dim(0), v.rows.dim(1)});
  AXL_CHECK(k.head_dim == D && v.head_dim == D && k.heads == v.heads && q.heads % k.heads == 0,
            "ops::attention: heads do not fit each other");
  require("attention", "o", o, {Tq, q.heads * D});
  if (lse) require("attention", "lse", lse, {q.heads, Tq});
  dispatch("attention", o.dtype(), [&]<class T>(T) {
    ctx.kernels.attention_fwd(kernels::AttentionFwd<T>{.q = first_of<T>(q),
                                                       .k = first_of<T>(k),
                                                       .v = first_of<T>(v),
                                                       .o = o.as<T>(),
                                                       .lse = acc<T>(lse),
                                                       .cu_q = s.cu_q,
                                                       .cu_k = s.cu_k,
                                                       .docs = s.docs,
                                                       .Hq = q.heads,
                                                       .Hkv = k.heads,
                                                       .D = D,
                                                       .Tq = Tq,
                                                       .q_stride = q.rows.dim(1),
                                                       .k_stride = k.rows.dim(1),
                                                       .v_stride = v.rows.dim(1),
                                                       .o_stride = o.dim(1),
                                                       .q_head = q.head_stride,
                                                       .k_head = k.head_stride,
                                                       .v_head = v.head_stride,
                                                       .scale = s.scale,
                                                       .window = s.window,
                                                       .softcap = s.softcap},
                              ctx.queue);
  });
}

void attention_backward(Context& ctx, const AttentionShape& s, const Heads& q, const Heads& k,
                        const Heads& v, TensorView o, TensorView lse, TensorView d_o,
                        const Heads& dq, const Heads& dk, const Heads& dv) {
  const std::int64_t T_ = q.rows.dim(0), D = q.head_dim;
  for (const Heads* h : {&q, &k, &v, &dq, &dk, &dv}) {
    require_heads("attention_backward", "heads", *h);
    require("attention_backward", "heads", h->rows, {T_, h->rows.dim(1)});
  }
  for (const TensorView& t : {o, d_o})
    require("attention_backward", "query side", t, {T_, q.heads * D});
  require("attention_backward", "lse", lse, {q.heads, T_});
  const ArenaScope scope(ctx.arena);
  const TensorView workspace = tensor::allocate(ctx.arena, tensor::accumulator_of(o.dtype()),
                                                {kernels::attention_bwd_workspace(T_, q.heads, D)});
  dispatch("attention_backward", o.dtype(), [&]<class T>(T) {
    ctx.kernels.attention_bwd(kernels::AttentionBwd<T>{.q = first_of<T>(q),
                                                       .k = first_of<T>(k),
                                                       .v = first_of<T>(v),
                                                       .o = o.as<T>(),
                                                       .d_o = d_o.as<T>(),
                                                       .lse = acc<T>(lse),
                                                       .dq = first_of<T>(dq),
                                                       .dk = first_of<T>(dk),
                                                       .dv = first_of<T>(dv),
                                                       .workspace = acc<T>(workspace),
                                                       .cu = s.cu_q,
                                                       .docs = s.docs,
                                                       .Hq = q.heads,
                                                       .Hkv = k.heads,
                                                       .D = D,
                                                       .T = T_,
                                                       .q_stride = q.rows.dim(1),
                                                       .k_stride = k.rows.dim(1),
                                                       .v_stride = v.rows.dim(1),
                                                       .o_stride = o.dim(1),
                                                       .dq_stride = dq.rows.dim(1),
                                                       .dk_stride = dk.rows.dim(1),
                                                       .dv_stride = dv.rows.dim(1),
                                                       .do_stride = d_o.dim(1),
                                                       .q_head = q.head_stride,
                                                       .k_head = k.head_stride,
                                                       .v_head = v.head_stride,
                                                       .dq_head = dq.head_stride,
                                                       .dk_head = dk.head_stride,
                                                       .dv_head = dv.head_stride,
                                                       .scale = s.scale,
                                                       .window = s.window,
                                                       .softcap = s.softcap},
                              ctx.queue);
  });
}

}  // namespace axl::ops
