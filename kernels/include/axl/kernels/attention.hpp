#pragma once
#include "axl/kernels/queue.hpp"
#include "axl/kernels/types.hpp"

namespace axl::kernels {

/// Causal attention over documents laid one after another (block-diagonal), never materialising
/// the score matrix: Dao et al. 2022, arXiv:2205.14135, algorithms 1 and 4.
///   S = scale * Q K^T;  S = softcap * tanh(S / softcap) where there is one;  P = softmax over the
///   visible keys of i's own document;  O = P V
/// Key j is visible to query i when j <= p, p = i + (klen - qlen), and with a window (Beltagy et
/// al. 2020, arXiv:2004.05150) when j > p - window. The cap is Gemma 2's (arXiv:2408.00118, section
/// 2). Shapes  q, o, do, dq: (Tq, Hq, D); k, v, dk, dv: (Tk, Hkv, D); *_stride from row to row and
/// *_head from head to head, in elements (heads of o and do follow each other); query head h reads
/// key head h / (Hq / Hkv). cu_q, cu_k: (docs + 1) offsets, first 0. lse: (Hq, Tq), natural
/// logarithm of the softmax denominator. When training cu_q == cu_k; with a KV cache klen >= qlen.
/// Types   sums and softmax in Acc<T_>. Fixed summation order whatever the number of threads.
template <class T_>
struct AttentionFwd {
  const T_* q;
  const T_* k;
  const T_* v;
  T_* o;
  Acc<T_>* lse;  ///< may be nullptr
  const std::int32_t* cu_q;
  const std::int32_t* cu_k;
  std::int64_t docs, Hq, Hkv, D;
  std::int64_t Tq;  ///< rows of q: stride of lse
  std::int64_t q_stride, k_stride, v_stride, o_stride;
  std::int64_t q_head, k_head, v_head;
  double scale;
  std::int64_t window = 0;  ///< 0: every earlier key
  double softcap = 0.0;     ///< 0: none
};

/// Needs cu_q == cu_k. `workspace`: attention_bwd_workspace() elements: parts of dQ, dK and dV of
/// every query head.
template <class T_>
struct AttentionBwd {
  const T_* q;
  const T_* k;
  const T_* v;
  const T_* o;
  const T_* d_o;
  const Acc<T_>* lse;
  T_* dq;
  T_* dk;
  T_* dv;
  Acc<T_>* workspace;
  const std::int32_t* cu;
  std::int64_t docs, Hq, Hkv, D, T;
  std::int64_t q_stride, k_stride, v_stride, o_stride;
  std::int64_t dq_stride, dk_stride, dv_stride, do_stride;
  std::int64_t q_head, k_head, v_head, dq_head, dk_head, dv_head;
  double scale;
  std::int64_t window = 0;
  double softcap = 0.0;
};

/// A long document of one head is shared between at most so many tasks.
inline constexpr std::int64_t kAttentionBwdParts = 4;

inline std::int64_t attention_bwd_workspace(std::int64_t T, std::int64_t Hq, std::int64_t D) {
  return (kAttentionBwdParts + 2) * T * Hq * D;
}

}  // namespace axl::kernels
