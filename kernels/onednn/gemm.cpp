#include "onednn/gemm.hpp"

#include <dnnl.hpp>
#include <list>
#include <mutex>
#include <tuple>
#include <unordered_map>

namespace axl::kernels::onednn {
namespace {

using Memory = dnnl::memory;

const dnnl::engine& engine() {
  static const dnnl::engine e(dnnl::engine::kind::cpu, 0);
  return e;
}

bool has_bf16() {
  static const bool has = [] {
    const int isa = static_cast<int>(dnnl::get_effective_cpu_isa());
    constexpr int kBf16 = dnnl_cpu_isa_avx512_core_bf16;
    return (isa & kBf16) == kBf16;
  }();
  return has;
}

Memory::data_type type_of(DType t) {
  return t == DType::bf16 ? Memory::data_type::bf16 : Memory::data_type::f32;
}

Memory::desc strided(std::int64_t rows, std::int64_t columns, std::int64_t ld, bool transposed,
                     DType t) {
  return transposed ? Memory::desc({rows, columns}, type_of(t), Memory::dims{1, ld})
                    : Memory::desc({rows, columns}, type_of(t), Memory::dims{ld, 1});
}

/// The layout that matmul likes best for a (K, N) right-hand side. It is asked for with a fixed,
/// typical number of rows, so that one packed copy serves every micro-batch; a primitive that is
/// created later with this layout given accepts any M.
Memory::desc packed_desc(std::int64_t K, std::int64_t N, DType t) {
  constexpr std::int64_t kTypicalRows = 512;
  const Memory::desc a({kTypicalRows, K}, type_of(t), Memory::format_tag::ab);
  const Memory::desc b({K, N}, type_of(t), Memory::format_tag::any);
  const Memory::desc c({kTypicalRows, N}, type_of(t), Memory::format_tag::ab);
  return dnnl::matmul::primitive_desc({a, b, c}, engine()).weights_desc();
}

struct Key {
  std::int64_t M, N, K, lda, ldb, ldc;
  std::uint32_t flags;
  float alpha;
  bool operator==(const Key&) const = default;
};
struct KeyHash {
  std::size_t operator()(const Key& k) const {
    std::uint64_t h = 0;
    for (const std::int64_t v :
         {k.M, k.N, k.K, k.lda, k.ldb, k.ldc, static_cast<std::int64_t>(k.flags),
          static_cast<std::int64_t>(std::bit_cast<std::uint32_t>(k.alpha))})
      h = hash_counter(h, static_cast<std::uint64_t>(v));
    return static_cast<std::size_t>(h);
  }
};

/// Its arguments are made once and given other addresses for every call: a step has thousands of
/// small products.
struct Primitive {
  dnnl::matmul matmul;
  Memory a, b, c, scratch;
  std::unordered_map<int, Memory> arguments;  // the four of them
  std::int64_t scratch_bytes;
};

Primitive create(const Gemm& g) {
  Primitive p;
  const Memory::desc a = strided(g.M, g.K, g.lda, g.trans_a, g.ab);
  const Memory::desc b = g.packed_b != nullptr ? packed_desc(g.K, g.N, g.ab)
                                               : strided(g.K, g.N, g.ldb, g.trans_b, g.ab);
  const Memory::desc c = strided(g.M, g.N, g.ldc, false, g.c_type);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (g.alpha != 1.0f) attributes.set_output_scales(0, {g.alpha});
  if (g.accumulate) {
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    attributes.set_post_ops(sum);
  }
  const dnnl::matmul::primitive_desc pd({a, b, c}, attributes, engine());
  p.matmul = dnnl::matmul(pd);
  p.scratch_bytes = static_cast<std::int64_t>(pd.scratchpad_desc().get_size());
  p.a = Memory(a, engine(), nullptr);
  p.b = Memory(b, engine(), nullptr);
  p.c = Memory(c, engine(), nullptr);
  p.scratch = Memory(pd.scratchpad_desc(), engine(), nullptr);
  p.arguments = {{DNNL_ARG_SRC, p.a},
                 {DNNL_ARG_WEIGHTS, p.b},
                 {DNNL_ARG_DST, p.c},
                 {DNNL_ARG_SCRATCHPAD, p.scratch}};
  return p;
}

/// Least recently used primitives are forgotten: unpadded micro-batches all differ in M.
class Cache {
 public:
  Primitive& get(const Gemm& g) {
    const Key key{g.M,
                  g.N,
                  g.K,
                  g.lda,
                  g.packed_b != nullptr ? -1 : g.ldb,
                  g.ldc,
                  (g.trans_a ? 1u : 0u) | (g.trans_b ? 2u : 0u) | (g.accumulate ? 4u : 0u) |
                      (static_cast<std::uint32_t>(g.ab) << 8) |
                      (static_cast<std::uint32_t>(g.c_type) << 16),
                  g.alpha};
    const auto hit = index_.find(key);
    if (hit != index_.end()) {
      order_.splice(order_.begin(), order_, hit->second);
      return hit->second->second;
    }
    order_.emplace_front(key, create(g));
    index_[key] = order_.begin();
    if (order_.size() > kCapacity) {
      index_.erase(order_.back().first);
      order_.pop_back();
    }
    return order_.front().second;
  }

 private:
  static constexpr std::size_t kCapacity = 512;
  std::list<std::pair<Key, Primitive>> order_;
  std::unordered_map<Key, std::list<std::pair<Key, Primitive>>::iterator, KeyHash> index_;
};

struct PerThread {
  Cache cache;
  dnnl::stream stream{engine()};
  std::vector<std::byte> scratch;
};

void gemm(const Gemm& g, Queue& q) {
  if (g.M == 0 || g.N == 0) return;
  // oneDNN has no empty sum. It emulates bf16, or refuses it: training does not ask for it then.
  if (g.ab == DType::f64 || g.K == 0 || (g.ab == DType::bf16 && !has_bf16())) {
    static const KernelTable fallback = kokkos_table();
    fallback.gemm(g, q);
    return;
  }
  thread_local PerThread local;
  Primitive& p = local.cache.get(g);
  if (static_cast<std::int64_t>(local.scratch.size()) < p.scratch_bytes)
    local.scratch.resize(static_cast<std::size_t>(p.scratch_bytes));
  p.a.set_data_handle(const_cast<void*>(g.a));
  p.b.set_data_handle(const_cast<void*>(g.packed_b != nullptr ? g.packed_b->data : g.b));
  p.c.set_data_handle(g.c);
  p.scratch.set_data_handle(local.scratch.data());
  p.matmul.execute(local.stream, p.arguments);
  local.stream.wait();
}

std::int64_t pack_bytes(const PackQuery& query) {
  if (query.type == DType::f64 || (query.type == DType::bf16 && !has_bf16())) return 0;
  return static_cast<std::int64_t>(packed_desc(query.K, query.N, query.type).get_size());
}

void pack(const void* b, bool trans_b, const PackedMatrix& out, void* destination, Queue&) {
  const Memory::desc from = strided(out.K, out.N, trans_b ? out.K : out.N, trans_b, out.type);
  Memory source(from, engine(), const_cast<void*>(b));
  Memory target(packed_desc(out.K, out.N, out.type), engine(), destination);
  dnnl::stream stream(engine());
  dnnl::reorder(source, target).execute(stream, source, target);
  stream.wait();
}

}  // namespace

void add_gemm(KernelTable& t) {
  t.gemm_backend = "onednn";
  t.native_bf16 = has_bf16();
  t.gemm = &gemm;
  t.pack_bytes = &pack_bytes;
  t.pack = &pack;
}

}  // namespace axl::kernels::onednn
