// A table that launches nothing: what a step does and moves, from the contracts alone.
#include "axl/kernels/table.hpp"

namespace axl::kernels {
namespace {

constexpr std::string_view kGemm = "gemm", kAttention = "attention", kOther = "other";

void count(Queue& q, std::string_view kind, double flops, double bytes) {
  Work::Kind& k = static_cast<Work*>(q.native())->kinds[kind];
  ++k.launches;
  k.flops += flops;
  k.bytes += bytes;
}

double product(std::initializer_list<std::int64_t> factors) {
  double n = 1;
  for (const std::int64_t f : factors) n *= static_cast<double>(f);
  return n;
}

/// Query-key pairs of causal attention over documents, at most a window each.
double visible_pairs(const std::int32_t* cu_q, const std::int32_t* cu_k, std::int64_t docs,
                     std::int64_t window) {
  double pairs = 0;
  for (std::int64_t d = 0; d < docs; ++d) {
    const std::int64_t queries = cu_q[d + 1] - cu_q[d], keys = cu_k[d + 1] - cu_k[d];
    for (std::int64_t i = 0; i < queries; ++i) {
      const std::int64_t seen = keys - queries + i + 1;
      pairs += static_cast<double>(window > 0 && seen > window ? window : seen);
    }
  }
  return pairs;
}

// Element-wise operations: so many operands of so many elements, read or written once.
template <class T>
double moved(std::int64_t operands, std::int64_t elements) {
  return product({operands, elements, std::int64_t{sizeof(T)}});
}

/// Bytes of rows of a matrix in few bits, with their scales.
double stored(const QuantisedMatrix& w, std::int64_t rows) {
  if (w.layout != nullptr) return product({rows, w.columns / w.layout->elements, w.layout->bytes});
  const double elements = product({rows, w.columns});
  const double scale = w.four_bit.scales.codes != nullptr ? 1 : 4;
  return elements / 2 + elements / static_cast<double>(w.four_bit.block) * scale;
}

template <class T>
struct Counting {
  static void embedding_fwd(const EmbeddingFwd<T>& a, Queue& q) {
    count(q, kOther, 0, moved<T>(2, a.T * a.C));
  }
  static void embedding_bwd(const EmbeddingBwd<T>& a, Queue& q) {
    count(q, kOther, product({a.T, a.C}), moved<Acc<T>>(3, a.T * a.C));
  }
  static void embedding_noise(const EmbeddingNoise<T>& a, Queue& q) {
    count(q, kOther, 2 * product({a.T, a.C}), moved<T>(2, a.T * a.C));
  }
  static void rmsnorm_fwd(const RmsNormFwd<T>& a, Queue& q) {
    count(q, kOther, 4 * product({a.T, a.C}), moved<T>(2, a.T * a.C));
  }
  static void rmsnorm_bwd(const RmsNormBwd<T>& a, Queue& q) {
    count(q, kOther, 10 * product({a.T, a.C}), moved<T>(3, a.T * a.C));
  }
  static void layernorm_fwd(const LayerNormFwd<T>& a, Queue& q) {
    count(q, kOther, 7 * product({a.T, a.C}), moved<T>(2, a.T * a.C));
  }
  static void layernorm_bwd(const LayerNormBwd<T>& a, Queue& q) {
    count(q, kOther, 12 * product({a.T, a.C}), moved<T>(3, a.T * a.C));
  }
  static void rope(const Rope<T>& a, Queue& q) {
    count(q, kOther, 3 * product({a.T, a.H, a.R}), moved<T>(2, a.T * a.H * a.R));
  }
  static void activation_fwd(const ActivationFwd<T>& a, Queue& q) {
    count(q, kOther, 5 * product({a.T, a.F}), moved<T>(a.u != nullptr ? 3 : 2, a.T * a.F));
  }
  static void activation_bwd(const ActivationBwd<T>& a, Queue& q) {
    count(q, kOther, 10 * product({a.T, a.F}), moved<T>(a.u != nullptr ? 5 : 3, a.T * a.F));
  }
  static void attention_fwd(const AttentionFwd<T>& a, Queue& q) {
    const double pairs = visible_pairs(a.cu_q, a.cu_k, a.docs, a.window);
    count(q, kAttention, 4 * pairs * product({a.Hq, a.D}),
          moved<T>(2, a.Tq * a.Hq * a.D) + moved<T>(2, a.cu_k[a.docs] * a.Hkv * a.D));
  }
  static void attention_bwd(const AttentionBwd<T>& a, Queue& q) {
    const double pairs = visible_pairs(a.cu, a.cu, a.docs, a.window);
    count(q, kAttention, 10 * pairs * product({a.Hq, a.D}),
          moved<T>(4, a.T * a.Hq * a.D) + moved<T>(4, a.T * a.Hkv * a.D));
  }
  static void cross_entropy(const CrossEntropy<T>& a, Queue& q) {
    count(q, kOther, 6 * product({a.R, a.V}),
          moved<Acc<T>>(a.dlogits != nullptr ? 4 : 2, a.R * a.V));
  }
  static void softcap(const SoftCap<T>& a, Queue& q) {
    count(q, kOther, 4 * product({a.n}), moved<Acc<T>>(2, a.n));
  }
  static void copy(const Copy<T>& a, Queue& q) { count(q, kOther, 0, moved<T>(2, a.n)); }
  static void copy_columns(const CopyColumns<T>& a, Queue& q) {
    count(q, kOther, 0, moved<T>(2, a.T * a.C));
  }
  static void add(const Add<T>& a, Queue& q) { count(q, kOther, product({a.n}), moved<T>(3, a.n)); }
  static void scale(const Scale<T>& a, Queue& q) {
    count(q, kOther, product({a.n}), moved<T>(2, a.n));
  }
  static void rows(const Rows<T>& a, Queue& q) { count(q, kOther, 0, moved<T>(2, a.R * a.C)); }
  static void bias_add(const BiasAdd<T>& a, Queue& q) {
    count(q, kOther, product({a.T, a.C}), moved<T>(2, a.T * a.C));
  }
  static void bias_grad(const BiasGrad<T>& a, Queue& q) {
    count(q, kOther, product({a.T, a.C}), moved<T>(1, a.T * a.C));
  }
  static void dropout(const Dropout<T>& a, Queue& q) {
    count(q, kOther, product({a.n}), moved<T>(a.accumulate ? 3 : 2, a.n));
  }
  static void from_acc(const FromAcc<T>& a, Queue& q) {
    count(q, kOther, 0, moved<T>(1, a.n) + moved<Acc<T>>(1, a.n));
  }
  static void columns(const Columns<T>& a, Queue& q) {
    count(q, kOther, 0, moved<T>(2, a.R * a.N));
  }
  static void columns_add(const ColumnsAdd<T>& a, Queue& q) {
    count(q, kOther, product({a.R, a.N}), moved<Acc<T>>(3, a.R * a.N));
  }
  static void decode_rows(const DecodeRows<T>& a, Queue& q) {
    count(q, kOther, 2 * product({a.count, a.w.columns}),
          stored(a.w, a.count) + moved<T>(1, a.count * a.w.columns));
  }
  static void scale_columns(const ScaleColumns<T>& a, Queue& q) {
    count(q, kOther, product({a.T, a.C}), moved<T>(a.accumulate ? 3 : 2, a.T * a.C));
  }
  static void scale_columns_grad(const ScaleColumnsGrad<T>& a, Queue& q) {
    count(q, kOther, 2 * product({a.T, a.C}), moved<T>(2, a.T * a.C));
  }
  static void dora_factor(const DoraFactor<T>& a, Queue& q) {
    count(q, kOther, 2 * product({a.O, a.r, a.r + 2}), moved<T>(2, a.O * a.r));
  }
};

void gemm(const Gemm& g, Queue& q) {
  const double operands = product({g.M, g.K}) + product({g.K, g.N});
  count(q, kGemm, 2 * product({g.M, g.N, g.K}),
        operands * static_cast<double>(size_of(g.ab)) +
            product({g.accumulate ? 2 : 1, g.M, g.N, size_of(g.c_type)}));
}
void widen(const Widen& a, Queue& q) { count(q, kOther, 0, product({6, a.n})); }
void widen_transposed(const WidenTransposed& a, Queue& q) {
  count(q, kOther, 0, product({6, a.rows, a.columns}));
}
void narrow_gemm(const NarrowGemm& g, Queue& q) {
  count(q, kGemm, 2 * product({g.M, g.N, g.K}),
        product({4, g.M, g.K}) + product({2, g.K, g.N}) + product({4, g.M, g.N}));
}
void decode_transposed(const DecodeTransposed& a, Queue& q) {
  count(q, kOther, 2 * product({a.count, a.w.columns}),
        stored(a.w, a.count) + product({4, a.count, a.w.columns}));
}
void quantised_gemm(const QuantisedGemm& g, Queue& q) {
  count(q, kGemm, 2 * product({g.M, g.w.rows, g.w.columns}),
        stored(g.w, g.w.rows) + product({g.M, g.w.columns, size_of(g.ab)}) +
            product({g.M, g.w.rows, size_of(g.c_type)}));
}
void quantise_four_bit(const FourBitEncode& a, Queue& q) {
  count(q, kOther, product({16, a.elements}), 4.5 * product({a.elements}));
}
void adamw(const AdamW& a, Queue& q) { count(q, kOther, product({12, a.n}), product({28, a.n})); }
void adamw_8bit(const AdamW8bit& a, Queue& q) {
  count(q, kOther, product({14, a.n}), product({16, a.n}));
}
void sgd(const Sgd& a, Queue& q) { count(q, kOther, product({6, a.n}), product({20, a.n})); }
void adafactor(const Adafactor& a, Queue& q) {
  count(q, kOther, product({12, a.rows, a.columns}), product({16, a.rows, a.columns}));
}
void sum_of_squares(const SumOfSquares& a, Queue& q) {
  count(q, kOther, product({2, a.n}), product({4, a.n}));
}
void fill_zero(const FillZero& a, Queue& q) { count(q, kOther, 0, static_cast<double>(a.bytes)); }
void sum(const Sum& a, Queue& q) { count(q, kOther, product({a.n}), product({8, a.n})); }

}  // namespace

double Work::flops() const {
  double sum = 0;
  for (const auto& [name, kind] : kinds) sum += kind.flops;
  return sum;
}
double Work::bytes() const {
  double sum = 0;
  for (const auto& [name, kind] : kinds) sum += kind.bytes;
  return sum;
}

#define AXL_COUNTING(name) \
  t.name = {"counting", &Counting<float>::name, &Counting<bf16>::name, &Counting<double>::name}
KernelTable counting_table() {
  KernelTable t;
  AXL_COUNTING(embedding_fwd);
  AXL_COUNTING(embedding_bwd);
  AXL_COUNTING(embedding_noise);
  AXL_COUNTING(rmsnorm_fwd);
  AXL_COUNTING(rmsnorm_bwd);
  AXL_COUNTING(layernorm_fwd);
  AXL_COUNTING(layernorm_bwd);
  AXL_COUNTING(rope);
  AXL_COUNTING(activation_fwd);
  AXL_COUNTING(activation_bwd);
  AXL_COUNTING(attention_fwd);
  AXL_COUNTING(attention_bwd);
  AXL_COUNTING(cross_entropy);
  AXL_COUNTING(softcap);
  AXL_COUNTING(copy);
  AXL_COUNTING(copy_columns);
  AXL_COUNTING(add);
  AXL_COUNTING(scale);
  AXL_COUNTING(rows);
  AXL_COUNTING(bias_add);
  AXL_COUNTING(bias_grad);
  AXL_COUNTING(dropout);
  AXL_COUNTING(from_acc);
  AXL_COUNTING(columns);
  AXL_COUNTING(columns_add);
  AXL_COUNTING(decode_rows);
  AXL_COUNTING(scale_columns);
  AXL_COUNTING(scale_columns_grad);
  AXL_COUNTING(dora_factor);
  t.gemm_backend = "counting";
  t.gemm = &gemm;
  t.pack_bytes = [](const PackQuery&) { return std::int64_t{0}; };
  t.pack = [](const void*, bool, const PackedMatrix&, void*, Queue&) {};  // never: see above
  t.widen = &widen;
  t.widen_transposed = &widen_transposed;
  t.narrow_gemm = &narrow_gemm;
  t.decode_transposed = &decode_transposed;
  t.quantised_gemm = &quantised_gemm;
  t.quantise_four_bit = &quantise_four_bit;
  t.adamw = &adamw;
  t.adamw_8bit = &adamw_8bit;
  t.sgd = &sgd;
  t.adafactor = &adafactor;
  t.sum_of_squares = &sum_of_squares;
  t.fill_zero = &fill_zero;
  t.sum = &sum;
  return t;
}
#undef AXL_COUNTING

}  // namespace axl::kernels
