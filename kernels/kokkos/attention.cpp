#include <limits>
#include <vector>

#include "kokkos/host.hpp"
#include "kokkos/tile_gemm.hpp"

// Scores are held transposed, (keys, queries): the softmax then runs down columns with one query a
// lane, and of all operands only Q and dO have to be transposed, once a block. A task is one query
// block (forward) or some key blocks of one document (backward) of one query head, so no two tasks
// write the same element and every sum has one order whatever the number of threads.

namespace axl::kernels::host {
namespace {

constexpr std::int64_t kQueries = 64;  // a multiple of every kLanes
constexpr std::int64_t kKeys = 64;

/// Pieces of one buffer that the thread keeps from task to task, each on its own cache line.
template <class A>
class Scratch {
 public:
  explicit Scratch(std::int64_t elements) {
    thread_local std::vector<A> memory;
    const auto needed = static_cast<std::size_t>(elements + 16 * kAlign);
    if (memory.size() < needed) memory.resize(needed);
    const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
    next_ = memory.data() + (64 - address % 64) % 64 / sizeof(A);
  }
  A* take(std::int64_t elements) {
    A* piece = next_;
    next_ += (elements + kAlign - 1) / kAlign * kAlign;
    return piece;
  }

 private:
  static constexpr std::int64_t kAlign = 64 / static_cast<std::int64_t>(sizeof(A));
  A* next_;
};

/// `rows` rows of D elements as accumulators: where they lie, or widened into `buffer`.
template <class A>
struct Tile {
  const A* p;
  std::int64_t stride;
};
template <class T>
Tile<Acc<T>> widened(const T* in, std::int64_t stride, std::int64_t rows, std::int64_t D,
                     Acc<T>* buffer) {
  using A = Acc<T>;
  if constexpr (std::is_same_v<T, A>) {
    return {in, stride};
  } else {
    for (std::int64_t i = 0; i < rows; ++i)
      for_vectors<A>(0, D, [&](std::int64_t d, auto part) {
        store(buffer + i * D + d, load(in + i * stride + d, part), part);
      });
    return {buffer, D};
  }
}

/// out (D, kQueries) = factor * transpose of in (rows, D); the columns beyond `rows` are zero.
template <class T>
void transposed(const T* in, std::int64_t stride, std::int64_t rows, std::int64_t D, Acc<T> factor,
                Acc<T>* out) {
  if (rows < kQueries) std::fill(out, out + D * kQueries, Acc<T>(0));
  std::int64_t i = 0;
  if constexpr (std::is_same_v<Acc<T>, float>)
    if (constexpr std::int64_t kSide = kLanes<float>; D % kSide == 0)
      for (; i + kSide <= rows; i += kSide)
        for (std::int64_t d = 0; d < D; d += kSide)
          transpose_square(in + i * stride + d, stride, factor, out + d * kQueries + i, kQueries);
  for (; i < rows; ++i)
    for (std::int64_t d = 0; d < D; ++d) out[d * kQueries + i] = factor * up(in[i * stride + d]);
}

/// Sets s (keys, kQueries) to `value` where key first_key + j comes after query i.
template <class A>
void mask_later(A* s, std::int64_t keys, std::int64_t queries, std::int64_t first_key, A value) {
  for (std::int64_t j = std::max<std::int64_t>(0, -first_key); j < keys; ++j)
    std::fill_n(s + j * kQueries, std::clamp<std::int64_t>(first_key + j, 0, queries), value);
}

/// The same where key first_key + j comes `window` or more before query i.
template <class A>
void mask_earlier(A* s, std::int64_t keys, std::int64_t queries, std::int64_t first_key,
                  std::int64_t window, A value) {
  for (std::int64_t j = 0; j < keys; ++j) {
    const std::int64_t seen = std::clamp<std::int64_t>(first_key + j + window, 0, queries);
    std::fill_n(s + j * kQueries + seen, queries - seen, value);
  }
}

/// s (keys, queries) = cap * tanh(s / cap).
template <class A>
void cap_scores(A* s, std::int64_t keys, std::int64_t queries, double cap) {
  const A top = static_cast<A>(cap), twice = static_cast<A>(2 / cap);
  for (std::int64_t j = 0; j < keys; ++j)
    for (std::int64_t i = 0; i < queries; i += kLanes<A>) {
      A* at = s + j * kQueries + i;
      store(at, top - A(2) * top / (exp_of(twice * load(at)) + A(1)));
    }
}

/// Online softmax of a tile of scores, in place: raises the maxima `m` and the sums `l` of the
/// queries, and writes to `rescale` what the sums so far have to be multiplied by.
template <class A>
void softmax_tile(A* s, std::int64_t keys, std::int64_t queries, bool masked, A* m, A* l,
                  A* rescale) {
  const A hidden = -std::numeric_limits<A>::infinity();
  for (std::int64_t i = 0; i < queries; i += kLanes<A>) {
    const Vec<A> before = load(m + i);
    Vec<A> top = before;
    for (std::int64_t j = 0; j < keys; ++j) top = larger<A>(top, load(s + j * kQueries + i));
    Vec<A> sum = {};
    for (std::int64_t j = 0; j < keys; ++j) {
      const Vec<A> x = load(s + j * kQueries + i);
      Vec<A> e = exp_of(x - top);
      if (masked) e = x == hidden ? Vec<A>{} : e;
      store(s + j * kQueries + i, e);
      sum += e;
    }
    Vec<A> factor = exp_of(before - top);
    // A query that sees no key of this tile and none of those before it has no maximum yet.
    if (masked) factor = top == hidden ? splat(A(1)) : factor;
    store(l + i, load(l + i) * factor + sum);
    store(m + i, top);
    store(rescale + i, factor);
  }
}

template <class A>
std::int64_t whole_lanes(std::int64_t n) {
  return (n + kLanes<A> - 1) / kLanes<A> * kLanes<A>;
}

template <class T>
void forward_block(const AttentionFwd<T>& a, std::int64_t doc, std::int64_t block, std::int64_t h) {
  using A = Acc<T>;
  const std::int64_t q0 = a.cu_q[doc] + block * kQueries, q1 = a.cu_q[doc + 1];
  const std::int64_t queries = std::min(kQueries, q1 - q0), lanes = whole_lanes<A>(queries);
  const std::int64_t k0 = a.cu_k[doc], klen = a.cu_k[doc + 1] - k0, D = a.D;
  // Key j is visible to query i of the block when j <= i + offset.
  const std::int64_t offset = klen - (q1 - a.cu_q[doc]) + block * kQueries;
  const std::int64_t hk = h / (a.Hq / a.Hkv);
  Scratch<A> scratch(D * (2 * kQueries + 2 * kKeys) + kQueries * (kKeys + 3));
  A* qt = scratch.take(D * kQueries);
  A* k_buffer = scratch.take(kKeys * D);
  A* v_buffer = scratch.take(kKeys * D);
  A* s = scratch.take(kKeys * kQueries);
  A* sum = scratch.take(kQueries * D);
  A* m = scratch.take(kQueries);
  A* l = scratch.take(kQueries);
  A* rescale = scratch.take(kQueries);
  transposed(a.q + q0 * a.q_stride + h * a.q_head, a.q_stride, queries, D, static_cast<A>(a.scale),
             qt);
  std::fill_n(m, kQueries, -std::numeric_limits<A>::infinity());
  std::fill_n(l, kQueries, A(0));
  const std::int64_t window = a.window > 0 ? a.window : klen;
  const std::int64_t first = std::max<std::int64_t>(0, offset - window + 1) / kKeys * kKeys;
  for (std::int64_t j0 = first; j0 < std::min(klen, queries + offset); j0 += kKeys) {
    const std::int64_t keys = std::min(kKeys, klen - j0);
    const Tile<A> k =
        widened(a.k + (k0 + j0) * a.k_stride + hk * a.k_head, a.k_stride, keys, D, k_buffer);
    const Tile<A> v =
        widened(a.v + (k0 + j0) * a.v_stride + hk * a.v_head, a.v_stride, keys, D, v_buffer);
    TileGemm<A, false>::run(keys, lanes, D, {k.p, k.stride, 1}, qt, kQueries, s, kQueries);
    if (a.softcap > 0) cap_scores(s, keys, lanes, a.softcap);
    const A hidden = -std::numeric_limits<A>::infinity();
    const bool later = j0 + keys - 1 > offset, earlier = queries - 1 + offset >= j0 + window;
    if (later) mask_later(s, keys, queries, j0 - offset, hidden);
    if (earlier) mask_earlier(s, keys, queries, j0 - offset, window, hidden);
    softmax_tile(s, keys, lanes, later || earlier, m, l, rescale);
    const Left<A> p{s, 1, kQueries};
    if (j0 == first) {
      TileGemm<A, false>::run(queries, D, keys, p, v.p, v.stride, sum, D);
      continue;
    }
    for (std::int64_t i = 0; i < queries; ++i) {
      if (rescale[i] == A(1)) continue;
      for_vectors<A>(0, D, [&](std::int64_t d, auto part) {
        store(sum + i * D + d, load(sum + i * D + d, part) * rescale[i], part);
      });
    }
    TileGemm<A, true>::run(queries, D, keys, p, v.p, v.stride, sum, D);
  }
  for (std::int64_t i = 0; i < queries; ++i) {
    T* o = a.o + (q0 + i) * a.o_stride + h * D;
    const A inverse = A(1) / l[i];
    for_vectors<A>(0, D, [&](std::int64_t d, auto part) {
      store(o + d, load(sum + i * D + d, part) * inverse, part);
    });
    if (a.lse != nullptr) a.lse[h * a.Tq + q0 + i] = m[i] + std::log(l[i]);
  }
}

template <class T>
void attention_fwd(const AttentionFwd<T>& a, Queue& q) {
  const auto docs = static_cast<std::size_t>(a.docs);
  std::vector<std::int64_t> first_block(docs + 1, 0);  // of every document
  for (std::size_t d = 0; d < docs; ++d)
    first_block[d + 1] = first_block[d] + (a.cu_q[d + 1] - a.cu_q[d] + kQueries - 1) / kQueries;
  const std::int64_t blocks = first_block.back();
  const std::int64_t* starts = first_block.data();
  Kokkos::parallel_for(
      "axl::attention_fwd", DynamicRange(exec_of(q), 0, blocks * a.Hq), [=](std::int64_t task) {
        const std::int64_t block = task / a.Hq;
        const std::int64_t doc = std::upper_bound(starts, starts + a.docs + 1, block) - starts - 1;
        forward_block(a, doc, block - starts[doc], task % a.Hq);
      });
}

/// delta (length) = rowsum(dO * O) of one document of one head.
template <class T>
void row_dots(const AttentionBwd<T>& a, std::int64_t begin, std::int64_t length, std::int64_t h,
              Acc<T>* delta) {
  using A = Acc<T>;
  for (std::int64_t i = 0; i < length; ++i) {
    const T* o = a.o + (begin + i) * a.o_stride + h * a.D;
    const T* d_o = a.d_o + (begin + i) * a.do_stride + h * a.D;
    Vec<A> sum = {};
    for_vectors<A>(
        0, a.D, [&](std::int64_t d, auto part) { sum += load(o + d, part) * load(d_o + d, part); });
    delta[i] = sum_lanes<A>(sum);
  }
}

/// p (keys, queries) = e^(s - lse), ds = p * (dp - delta); s and dp are overwritten. Where s was
/// capped, ds is that of the scores before.
template <class A>
void softmax_gradient(A* s, A* dp, std::int64_t keys, std::int64_t queries, const A* lse,
                      const A* delta, double cap) {
  const A inverse = cap > 0 ? static_cast<A>(1 / cap) : A(0);
  for (std::int64_t i = 0; i < queries; i += kLanes<A>) {
    const Vec<A> row_lse = load(lse + i), row_delta = load(delta + i);
    for (std::int64_t j = 0; j < keys; ++j) {
      const std::int64_t at = j * kQueries + i;
      const Vec<A> score = load(s + at), p = exp_of(score - row_lse);
      store(s + at, p);
      Vec<A> ds = p * (load(dp + at) - row_delta);
      if (cap > 0) ds *= A(1) - score * inverse * (score * inverse);
      store(dp + at, ds);
    }
  }
}

/// Into how many tasks the key blocks of a document are dealt: by its length alone.
std::int64_t parts_of(std::int64_t length) {
  return std::clamp<std::int64_t>(length / (4 * kKeys), 1, kAttentionBwdParts);
}

/// Where part `part` of dQ, dK (for one more) and dV (for two more) of query head h begins in the
/// workspace: (T, D).
template <class T>
Acc<T>* head_sums(const AttentionBwd<T>& a, std::int64_t part, std::int64_t h) {
  return a.workspace + (part * a.Hq + h) * a.T * a.D;
}

/// Key blocks of one document of one query head: their dk and dv, and what they add to dq, into the
/// workspace. Blocks are dealt to and fro, since the later ones are seen by fewer queries.
template <class T>
void backward_part(const AttentionBwd<T>& a, std::int64_t doc, std::int64_t h, std::int64_t part) {
  using A = Acc<T>;
  const std::int64_t begin = a.cu[doc], length = a.cu[doc + 1] - begin, D = a.D;
  const std::int64_t hk = h / (a.Hq / a.Hkv),
                     padded = (length + kQueries - 1) / kQueries * kQueries;
  const std::int64_t parts = parts_of(length), window = a.window > 0 ? a.window : length;
  if (part >= parts) return;
  A* dk_all = head_sums(a, kAttentionBwdParts, h) + begin * D;
  A* dv_all = head_sums(a, kAttentionBwdParts + 1, h) + begin * D;
  A* dq = head_sums(a, part, h) + begin * D;
  Scratch<A> scratch(D * (2 * padded + 2 * kQueries + 2 * kKeys) + 2 * kQueries * kKeys +
                     2 * padded);
  A* qt = scratch.take(padded * D);  // (D, kQueries) for every query block
  A* dot = scratch.take(padded * D);
  A* q_buffer = scratch.take(kQueries * D);
  A* do_buffer = scratch.take(kQueries * D);
  A* k_buffer = scratch.take(kKeys * D);
  A* v_buffer = scratch.take(kKeys * D);
  A* p = scratch.take(kKeys * kQueries);
  A* ds = scratch.take(kKeys * kQueries);
  A* lse = scratch.take(padded);
  A* delta = scratch.take(padded);
  const T* q_rows = a.q + begin * a.q_stride + h * a.q_head;
  const T* do_rows = a.d_o + begin * a.do_stride + h * D;
  const A scale = static_cast<A>(a.scale);
  row_dots(a, begin, length, h, delta);
  std::copy_n(a.lse + h * a.T + begin, length, lse);
  std::fill(delta + length, delta + padded, A(0));
  std::fill(lse + length, lse + padded, A(0));
  for (std::int64_t i0 = 0; i0 < length; i0 += kQueries) {
    const std::int64_t queries = std::min(kQueries, length - i0);
    transposed(q_rows + i0 * a.q_stride, a.q_stride, queries, D, scale, qt + i0 * D);
    transposed(do_rows + i0 * a.do_stride, a.do_stride, queries, D, A(1), dot + i0 * D);
  }
  std::fill_n(dq, length * D, A(0));
  for (std::int64_t j0 = 0; j0 < length; j0 += kKeys) {
    const std::int64_t turn = j0 / kKeys % (2 * parts);
    if (part != std::min(turn, 2 * parts - 1 - turn)) continue;
    const std::int64_t keys = std::min(kKeys, length - j0);
    std::fill_n(dk_all + j0 * D, keys * D, A(0));
    std::fill_n(dv_all + j0 * D, keys * D, A(0));
    const Tile<A> k =
        widened(a.k + (begin + j0) * a.k_stride + hk * a.k_head, a.k_stride, keys, D, k_buffer);
    const Tile<A> v =
        widened(a.v + (begin + j0) * a.v_stride + hk * a.v_head, a.v_stride, keys, D, v_buffer);
    // The last query that sees a key of the block is one window behind its last key.
    const std::int64_t seen = std::min(length, j0 + keys - 1 + window);
    for (std::int64_t i0 = j0 / kQueries * kQueries; i0 < seen; i0 += kQueries) {
      const std::int64_t queries = std::min(kQueries, length - i0);
      const std::int64_t lanes = whole_lanes<A>(queries);
      const Tile<A> q = widened(q_rows + i0 * a.q_stride, a.q_stride, queries, D, q_buffer);
      const Tile<A> d_o = widened(do_rows + i0 * a.do_stride, a.do_stride, queries, D, do_buffer);
      TileGemm<A, false>::run(keys, lanes, D, {k.p, k.stride, 1}, qt + i0 * D, kQueries, p,
                              kQueries);
      TileGemm<A, false>::run(keys, lanes, D, {v.p, v.stride, 1}, dot + i0 * D, kQueries, ds,
                              kQueries);
      if (a.softcap > 0) cap_scores(p, keys, lanes, a.softcap);
      softmax_gradient(p, ds, keys, lanes, lse + i0, delta + i0, a.softcap);
      if (j0 + keys - 1 > i0) {
        mask_later(p, keys, queries, j0 - i0, A(0));
        mask_later(ds, keys, queries, j0 - i0, A(0));
      }
      if (i0 + queries - 1 >= j0 + window) {
        mask_earlier(p, keys, queries, j0 - i0, window, A(0));
        mask_earlier(ds, keys, queries, j0 - i0, window, A(0));
      }
      TileGemm<A, true>::run(keys, D, queries, {p, kQueries, 1}, d_o.p, d_o.stride, dv_all + j0 * D,
                             D);
      TileGemm<A, true>::run(keys, D, queries, {ds, kQueries, 1}, q.p, q.stride, dk_all + j0 * D,
                             D);
      TileGemm<A, true>::run(queries, D, keys, {ds, 1, kQueries}, k.p, k.stride, dq + i0 * D, D);
    }
  }
}

/// What the tasks found for token t of document `doc`, summed: over parts for dq, and over the
/// query heads of a group for their common key head.
template <class T>
void sum_token(const AttentionBwd<T>& a, std::int64_t doc, std::int64_t t) {
  using A = Acc<T>;
  const std::int64_t group = a.Hq / a.Hkv, parts = parts_of(a.cu[doc + 1] - a.cu[doc]);
  const A scale = static_cast<A>(a.scale);
  for (std::int64_t h = 0; h < a.Hq; ++h)
    for_vectors<A>(0, a.D, [&](std::int64_t d, auto some) {
      Vec<A> q = {};
      for (std::int64_t part = 0; part < parts; ++part)
        q += load(head_sums(a, part, h) + t * a.D + d, some);
      store(a.dq + t * a.dq_stride + h * a.dq_head + d, q * scale, some);
    });
  for (std::int64_t hk = 0; hk < a.Hkv; ++hk)
    for_vectors<A>(0, a.D, [&](std::int64_t d, auto some) {
      Vec<A> k = {}, v = {};
      for (std::int64_t h = hk * group; h < (hk + 1) * group; ++h) {
        k += load(head_sums(a, kAttentionBwdParts, h) + t * a.D + d, some);
        v += load(head_sums(a, kAttentionBwdParts + 1, h) + t * a.D + d, some);
      }
      store(a.dk + t * a.dk_stride + hk * a.dk_head + d, k * scale, some);
      store(a.dv + t * a.dv_stride + hk * a.dv_head + d, v, some);
    });
}

template <class T>
void attention_bwd(const AttentionBwd<T>& a, Queue& q) {
  Kokkos::parallel_for("axl::attention_bwd",
                       DynamicRange(exec_of(q), 0, a.docs * a.Hq * kAttentionBwdParts),
                       [=](std::int64_t task) {
                         const std::int64_t head = task / kAttentionBwdParts;
                         backward_part(a, head / a.Hq, head % a.Hq, task % kAttentionBwdParts);
                       });
  Kokkos::parallel_for("axl::attention_bwd_sum", Range(exec_of(q), 0, a.T), [=](std::int64_t t) {
    sum_token(a, std::upper_bound(a.cu, a.cu + a.docs + 1, t) - a.cu - 1, t);
  });
}

}  // namespace

void add_attention(KernelTable& t) {
  t.attention_fwd = {"kokkos", &attention_fwd<float>, &attention_fwd<bf16>, &attention_fwd<double>};
  t.attention_bwd = {"kokkos", &attention_bwd<float>, &attention_bwd<bf16>, &attention_bwd<double>};
}

}  // namespace axl::kernels::host
