// Tiled attention against the plain softmax over every visible key.
#include <numeric>

#include "kernel_testing.hpp"

namespace axl::test {
namespace {

using namespace axl::kernels;

class Attention : public KernelTest {};
AXL_EVERY_BACKEND(Attention);

struct Heads {
  std::int64_t q, kv, dim;
};
// Groups of 1, 3 and 8 query heads a key head; sizes that fill vectors and that do not.
const std::vector<Heads> kHeads = {{2, 2, 16}, {3, 1, 64}, {8, 1, 80}, {6, 2, 18}};
// Lengths around the border of a tile (64), alone and together.
const std::vector<std::vector<std::int32_t>> kDocuments = {{1},  {63},           {64},
                                                           {65}, {1, 64, 3, 65}, {130}};

std::vector<std::int32_t> offsets(const std::vector<std::int32_t>& lengths) {
  std::vector<std::int32_t> cu = {0};
  for (const std::int32_t n : lengths) cu.push_back(cu.back() + n);
  return cu;
}

template <class T>
struct Data {
  Heads h;
  std::vector<std::int32_t> cu_q, cu_k;
  std::int64_t Tq, Tk, gap, qs, ks;
  std::vector<T> q, k, v, o, d_o;
  std::vector<Acc<T>> lse;
  double scale;
  std::int64_t window = 0;
  double softcap = 0;
  Data(Heads heads, const std::vector<std::int32_t>& q_lengths,
       const std::vector<std::int32_t>& k_lengths, std::int64_t row_gap = 0)
      : h(heads),
        cu_q(offsets(q_lengths)),
        cu_k(offsets(k_lengths)),
        Tq(cu_q.back()),
        Tk(cu_k.back()),
        gap(row_gap),
        qs(h.q * h.dim + gap),
        ks(h.kv * h.dim + gap),
        q(uniform<T>(Tq * qs, 1, 2)),
        k(uniform<T>(Tk * ks, 2, 2)),
        v(uniform<T>(Tk * ks, 3)),
        o(uniform<T>(Tq * qs, 4)),
        d_o(uniform<T>(Tq * qs, 5)),
        lse(static_cast<std::size_t>(h.q * Tq)),
        scale(1.0 / std::sqrt(static_cast<double>(h.dim))) {}
  void forward(const KernelTable& t, Queue& queue, std::vector<T>& out,
               std::vector<Acc<T>>& l) const {
    t.attention_fwd(AttentionFwd<T>{.q = q.data(),
                                    .k = k.data(),
                                    .v = v.data(),
                                    .o = out.data(),
                                    .lse = l.data(),
                                    .cu_q = cu_q.data(),
                                    .cu_k = cu_k.data(),
                                    .docs = static_cast<std::int64_t>(cu_q.size()) - 1,
                                    .Hq = h.q,
                                    .Hkv = h.kv,
                                    .D = h.dim,
                                    .Tq = Tq,
                                    .q_stride = qs,
                                    .k_stride = ks,
                                    .v_stride = ks,
                                    .o_stride = qs,
                                    .q_head = h.dim,
                                    .k_head = h.dim,
                                    .v_head = h.dim,
                                    .scale = scale,
                                    .window = window,
                                    .softcap = softcap},
                    queue);
  }
  struct Gradient {
    std::vector<T> dq, dk, dv;
  };
  Gradient backward(const KernelTable& t, Queue& queue) const {
    Gradient g{uniform<T>(Tq * qs, 6), uniform<T>(Tk * ks, 7), uniform<T>(Tk * ks, 8)};
    std::vector<Acc<T>> workspace(
        static_cast<std::size_t>(attention_bwd_workspace(Tq, h.q, h.dim)));
    t.attention_bwd(AttentionBwd<T>{.q = q.data(),
                                    .k = k.data(),
                                    .v = v.data(),
                                    .o = o.data(),
                                    .d_o = d_o.data(),
                                    .lse = lse.data(),
                                    .dq = g.dq.data(),
                                    .dk = g.dk.data(),
                                    .dv = g.dv.data(),
                                    .workspace = workspace.data(),
                                    .cu = cu_q.data(),
                                    .docs = static_cast<std::int64_t>(cu_q.size()) - 1,
                                    .Hq = h.q,
                                    .Hkv = h.kv,
                                    .D = h.dim,
                                    .T = Tq,
                                    .q_stride = qs,
                                    .k_stride = ks,
                                    .v_stride = ks,
                                    .o_stride = qs,
                                    .dq_stride = qs,
                                    .dk_stride = ks,
                                    .dv_stride = ks,
                                    .do_stride = qs,
                                    .q_head = h.dim,
                                    .k_head = h.dim,
                                    .v_head = h.dim,
                                    .dq_head = h.dim,
                                    .dk_head = h.dim,
                                    .dv_head = h.dim,
                                    .scale = scale,
                                    .window = window,
                                    .softcap = softcap},
                    queue);
    return g;
  }
};

TEST_P(Attention, ForwardOfDocumentsAndGroups) {
  typed([&]<class T>(T) {
    for (const Heads h : kHeads)
      for (const auto& lengths : kDocuments) {
        Data<T> d(h, lengths, lengths);
        auto o = d.o, again = d.o;
        auto lse = d.lse, lse_again = d.lse;
        d.forward(reference, queue, d.o, d.lse);
        d.forward(table, queue, o, lse);
        d.forward(table, queue, again, lse_again);
        EXPECT_LE(distance(o, d.o), 4 * tol(dtype, d.Tq)) << h.q << "/" << h.kv << " " << d.Tq;
        EXPECT_LE(distance(lse, d.lse), 4 * tol(dtype_of<Acc<T>>(), d.Tq));
        EXPECT_TRUE(same_bits(o, again) && same_bits(lse, lse_again));
      }
  });
}

TEST_P(Attention, BackwardOfDocumentsAndGroups) {
  typed([&]<class T>(T) {
    for (const Heads h : kHeads)
      for (const auto& lengths : kDocuments) {
        Data<T> d(h, lengths, lengths);
        d.forward(reference, queue, d.o, d.lse);
        const auto expected = d.backward(reference, queue);
        const auto g = d.backward(table, queue), again = d.backward(table, queue);
        const double bound = 8 * tol(dtype, d.Tq);
        EXPECT_LE(distance(g.dv, expected.dv), bound) << h.q << "/" << h.kv << " " << d.Tq;
        // A document of one token has no gradient of q and k but rounding.
        if (d.Tq > 1) {
          EXPECT_LE(distance(g.dq, expected.dq), bound) << h.q << "/" << h.kv << " " << d.Tq;
          EXPECT_LE(distance(g.dk, expected.dk), bound) << h.q << "/" << h.kv << " " << d.Tq;
        }
        EXPECT_TRUE(same_bits(g.dq, again.dq) && same_bits(g.dk, again.dk) &&
                    same_bits(g.dv, again.dv));
      }
  });
}

TEST_P(Attention, RowStridesLeaveTheGapsAlone) {
  typed([&]<class T>(T) {
    Data<T> d({4, 2, 16}, {5, 66}, {5, 66}, 3);
    auto o = d.o;
    auto lse = d.lse;
    d.forward(reference, queue, d.o, d.lse);
    d.forward(table, queue, o, lse);
    EXPECT_LE(distance(o, d.o), 4 * tol(dtype, d.Tq));
    const auto expected = d.backward(reference, queue), g = d.backward(table, queue);
    EXPECT_LE(distance(g.dq, expected.dq), 8 * tol(dtype, d.Tq));
    EXPECT_LE(distance(g.dk, expected.dk), 8 * tol(dtype, d.Tq));
    const auto untouched = uniform<T>(d.Tq * d.qs, 6);
    for (std::int64_t t = 0; t < d.Tq; ++t)
      for (std::int64_t c = d.h.q * d.h.dim; c < d.qs; ++c) {
        const auto at = static_cast<std::size_t>(t * d.qs + c);
        EXPECT_EQ(number(g.dq[at]), number(untouched[at]));
      }
  });
}

TEST_P(Attention, NewTokensSeeTheCachedOnes) {
  typed([&]<class T>(T) {
    const std::vector<std::pair<std::vector<std::int32_t>, std::vector<std::int32_t>>> cases = {
        {{1}, {1}},   {{1}, {64}},  {{1}, {65}},
        {{5}, {130}}, {{66}, {70}}, {{1, 64, 3}, {63, 65, 130}}};
    for (const auto& [q_lengths, k_lengths] : cases) {
      Data<T> d({6, 2, 64}, q_lengths, k_lengths);
      auto o = d.o;
      auto lse = d.lse;
      d.forward(reference, queue, d.o, d.lse);
      d.forward(table, queue, o, lse);
      EXPECT_LE(distance(o, d.o), 4 * tol(dtype, d.Tk)) << d.Tq << " of " << d.Tk;
      EXPECT_LE(distance(lse, d.lse), 4 * tol(dtype_of<Acc<T>>(), d.Tk));
    }
  });
}

TEST_P(Attention, TheCacheFormEqualsTheLastRowsOfTheWhole) {
  typed([&]<class T>(T) {
    const Data<T> whole({2, 1, 16}, {70}, {70});
    Data<T> last({2, 1, 16}, {3}, {70});
    last.k = whole.k;
    last.v = whole.v;
    last.q.assign(whole.q.end() - 3 * whole.qs, whole.q.end());
    auto all = whole.o;
    auto all_lse = whole.lse;
    whole.forward(table, queue, all, all_lse);
    last.forward(table, queue, last.o, last.lse);
    const std::vector<T> tail(all.end() - 3 * whole.qs, all.end());
    EXPECT_LE(distance(last.o, tail), tol(dtype, 70));
  });
}

TEST_P(Attention, DocumentsDoNotSeeEachOther) {
  typed([&]<class T>(T) {
    const Data<T> first({3, 1, 16}, {40, 70}, {40, 70});
    Data<T> second = first;
    for (std::int64_t i = 0; i < 40 * second.ks; ++i) {
      second.k[static_cast<std::size_t>(i)] = value<T>(std::nan(""));
      second.v[static_cast<std::size_t>(i)] = value<T>(std::nan(""));
    }
    auto a = first.o, b = first.o;
    auto lse = first.lse;
    first.forward(table, queue, a, lse);
    second.forward(table, queue, b, lse);
    for (std::size_t i = 0; i < a.size(); ++i) {
      const bool in_first = static_cast<std::int64_t>(i) < 40 * first.qs;
      EXPECT_EQ(std::isnan(number(b[i])), in_first);
      if (!in_first) {
        EXPECT_EQ(number(a[i]), number(b[i]));
      }
    }
  });
}

TEST_P(Attention, NanOfAQueryStaysInItsRow) {
  typed([&]<class T>(T) {
    Data<T> d({1, 1, 16}, {66}, {66});
    d.q[static_cast<std::size_t>(65 * d.qs)] = value<T>(std::nan(""));
    d.forward(table, queue, d.o, d.lse);
    for (std::size_t i = 0; i < d.o.size(); ++i)
      EXPECT_EQ(std::isnan(number(d.o[i])), i / 16 == 65) << i;
  });
}

TEST_P(Attention, LargeScoresDoNotOverflow) {
  typed([&]<class T>(T) {
    Data<T> d({1, 1, 16}, {65}, {65});
    for (T& x : d.q) x = value<T>(number(x) * 100);
    for (T& x : d.k) x = value<T>(number(x) * 100);
    auto o = d.o;
    auto lse = d.lse;
    d.forward(reference, queue, d.o, d.lse);
    d.forward(table, queue, o, lse);
    for (const T x : o) EXPECT_TRUE(std::isfinite(number(x)));
    // Scores of 1e4 carry an absolute rounding error of 1e4 units, which the exponential amplifies.
    EXPECT_LE(distance(o, d.o), 1e5 * tol(dtype_of<Acc<T>>(), 16) + tol(dtype, 1));
  });
}

TEST_P(Attention, LseMayBeLeftOut) {
  typed([&]<class T>(T) {
    Data<T> d({2, 1, 16}, {9}, {9});
    auto o = d.o;
    d.forward(table, queue, d.o, d.lse);
    std::vector<Acc<T>> none;
    d.forward(table, queue, o, none);  // data() of an empty vector is nullptr
    EXPECT_TRUE(same_bits(o, d.o));
  });
}

/// Windows around the border of a tile, smaller than one and larger than a document; caps that bend
/// most scores and that bend few; both, and new tokens on top of cached ones.
TEST_P(Attention, WindowsAndCaps) {
  typed([&]<class T>(T) {
    for (const std::int64_t window : {0, 1, 8, 63, 64, 65, 100, 1000})
      for (const double softcap : {0.0, 0.5, 30.0}) {
        Data<T> d({4, 2, 16}, {1, 200, 70, 64}, {1, 200, 70, 64});
        d.window = window;
        d.softcap = softcap;
        auto o = d.o;
        auto lse = d.lse;
        d.forward(reference, queue, d.o, d.lse);
        d.forward(table, queue, o, lse);
        const std::string what = std::to_string(window) + " " + std::to_string(softcap);
        EXPECT_LE(distance(o, d.o), 4 * tol(dtype, d.Tq)) << what;
        EXPECT_LE(distance(lse, d.lse), 8 * tol(dtype_of<Acc<T>>(), d.Tq)) << what;
        const auto expected = d.backward(reference, queue), g = d.backward(table, queue);
        EXPECT_LE(distance(g.dv, expected.dv), 16 * tol(dtype, d.Tq)) << what;
        if (window == 1) continue;  // one key: no gradient of q and k but rounding
        EXPECT_LE(distance(g.dq, expected.dq), 16 * tol(dtype, d.Tq)) << what;
        EXPECT_LE(distance(g.dk, expected.dk), 16 * tol(dtype, d.Tq)) << what;
      }
    for (const std::int64_t window : {1, 8, 64, 70})
      for (const std::int32_t cached : {1, 60, 64, 130, 200}) {
        Data<T> d({4, 2, 16}, {1, 66}, {cached, 66 + cached});
        d.window = window;
        auto o = d.o;
        auto lse = d.lse;
        d.forward(reference, queue, d.o, d.lse);
        d.forward(table, queue, o, lse);
        EXPECT_LE(distance(o, d.o), 4 * tol(dtype, d.Tk)) << window << " " << cached;
      }
  });
}

/// Queries, keys and values of one projection, head by head: the same numbers as apart.
TEST_P(Attention, HeadsMayLieAnywhereInTheRows) {
  typed([&]<class T>(T) {
    constexpr std::int64_t kHeadsEach = 3, kDim = 16, kTokens = 70, kRow = 3 * kHeadsEach * kDim;
    Data<T> apart({kHeadsEach, kHeadsEach, kDim}, {kTokens}, {kTokens});
    std::vector<T> rows(static_cast<std::size_t>(kTokens * kRow)), d_rows(rows.size());
    const auto at = [&](std::int64_t t, std::int64_t h, std::int64_t which, std::int64_t c) {
      return static_cast<std::size_t>(t * kRow + (h * 3 + which) * kDim + c);
    };
    const std::vector<T>* parts[] = {&apart.q, &apart.k, &apart.v};
    const auto each = [&](const auto& f) {
      for (std::int64_t t = 0; t < kTokens; ++t)
        for (std::int64_t h = 0; h < kHeadsEach; ++h)
          for (std::int64_t which = 0; which < 3; ++which)
            for (std::int64_t c = 0; c < kDim; ++c)
              f(at(t, h, which, c), which,
                static_cast<std::size_t>((t * kHeadsEach + h) * kDim + c));
    };
    each([&](std::size_t to, std::int64_t which, std::size_t from) {
      rows[to] = (*parts[which])[from];
    });
    apart.forward(table, queue, apart.o, apart.lse);
    const auto expected = apart.backward(table, queue);
    std::vector<T> o = apart.o;
    std::vector<Acc<T>> lse = apart.lse;
    AttentionFwd<T> forward{.q = rows.data(),
                            .k = rows.data() + kDim,
                            .v = rows.data() + 2 * kDim,
                            .o = o.data(),
                            .lse = lse.data(),
                            .cu_q = apart.cu_q.data(),
                            .cu_k = apart.cu_k.data(),
                            .docs = 1,
                            .Hq = kHeadsEach,
                            .Hkv = kHeadsEach,
                            .D = kDim,
                            .Tq = kTokens,
                            .q_stride = kRow,
                            .k_stride = kRow,
                            .v_stride = kRow,
                            .o_stride = apart.qs,
                            .q_head = 3 * kDim,
                            .k_head = 3 * kDim,
                            .v_head = 3 * kDim,
                            .scale = apart.scale};
    table.attention_fwd(forward, queue);
    EXPECT_TRUE(same_bits(o, apart.o));
    std::vector<Acc<T>> workspace(
        static_cast<std::size_t>(attention_bwd_workspace(kTokens, kHeadsEach, kDim)));
    AttentionBwd<T> backward{.q = forward.q,
                             .k = forward.k,
                             .v = forward.v,
                             .o = o.data(),
                             .d_o = apart.d_o.data(),
                             .lse = lse.data(),
                             .dq = d_rows.data(),
                             .dk = d_rows.data() + kDim,
                             .dv = d_rows.data() + 2 * kDim,
                             .workspace = workspace.data(),
                             .cu = apart.cu_q.data(),
                             .docs = 1,
                             .Hq = kHeadsEach,
                             .Hkv = kHeadsEach,
                             .D = kDim,
                             .T = kTokens,
                             .q_stride = kRow,
                             .k_stride = kRow,
                             .v_stride = kRow,
                             .o_stride = apart.qs,
                             .dq_stride = kRow,
                             .dk_stride = kRow,
                             .dv_stride = kRow,
                             .do_stride = apart.qs,
                             .q_head = 3 * kDim,
                             .k_head = 3 * kDim,
                             .v_head = 3 * kDim,
                             .dq_head = 3 * kDim,
                             .dk_head = 3 * kDim,
                             .dv_head = 3 * kDim,
                             .scale = apart.scale};
    table.attention_bwd(backward, queue);
    const std::vector<T>* gradients[] = {&expected.dq, &expected.dk, &expected.dv};
    std::int64_t different = 0;
    each([&](std::size_t to, std::int64_t which, std::size_t from) {
      different += number(d_rows[to]) != number((*gradients[which])[from]);
    });
    EXPECT_EQ(different, 0);
  });
}

}  // namespace
}  // namespace axl::test
