// Every kernel of a training step, one by one, in the shapes of SmolLM2-135M with LoRA on its seven
// projections: where a step's time goes.
//   bench_kernels [THREADS] [TOKENS] [RANK]        default: all processors, 512, 16
// One JSON object a kernel and type: milliseconds of one call (first quartile), calls a step,
// milliseconds a step, and GFLOP/s of products. Frozen matrices are packed under bf16, as the
// program does it.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "axl/kernels/table.hpp"
#include "device/arena.hpp"
#include "device/session.hpp"

namespace {

using namespace axl;
using namespace axl::kernels;

constexpr std::int64_t kLayers = 30, kWidth = 576, kInner = 1536, kVocab = 49152;
constexpr std::int64_t kHeads = 9, kKeyHeads = 3, kHeadDim = 64;

struct Projection {
  const char* name;
  std::int64_t in, out;
};
constexpr Projection kProjections[] = {
    {"q", kWidth, kWidth},   {"k", kWidth, kKeyHeads* kHeadDim}, {"v", kWidth, kKeyHeads* kHeadDim},
    {"o", kWidth, kWidth},   {"gate", kWidth, kInner},           {"up", kWidth, kInner},
    {"down", kInner, kWidth}};

/// Numbers of a size that nothing overflows or dies out with.
template <class T>
std::vector<T> numbers(std::int64_t n) {
  std::vector<T> v(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < v.size(); ++i)
    v[i] = T(static_cast<float>(static_cast<double>(i * 2654435761U % 2001) / 1000.0 - 1.0));
  return v;
}

template <class T>
class StepBench {
 public:
  StepBench(const KernelTable& table, Queue& queue, std::int64_t tokens, std::int64_t rank)
      : table_(table), queue_(queue), tokens_(tokens), rank_(rank) {}

  void run() {
    for (const Projection& p : kProjections) {
      linear(p);
      adapter(p);
    }
    head();
    attention();
    rows();
    fmt::print("{{\"type\": \"{}\", \"kernel\": \"all\", \"ms_step\": {:.1f}}}\n", type_name(),
               total_);
  }

 private:
  static constexpr DType kType = dtype_of<T>();
  static std::string type_name() { return std::string(name_of(kType)); }

  void time(const std::string& name, double calls, double flops, const std::function<void()>& f) {
    using Clock = std::chrono::steady_clock;
    std::vector<double> ms;
    f();
    const auto begin = Clock::now();
    while (ms.size() < 7 || (Clock::now() - begin < std::chrono::milliseconds(60))) {
      const auto start = Clock::now();
      f();
      ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    }
    std::nth_element(ms.begin(), ms.begin() + static_cast<std::ptrdiff_t>(ms.size() / 4), ms.end());
    const double quartile = ms[ms.size() / 4];
    total_ += quartile * calls;
    fmt::print(
        "{{\"type\": \"{}\", \"kernel\": \"{}\", \"ms\": {:.4f}, \"calls\": {:.0f}, \"ms_step\": "
        "{:.1f}{}}}\n",
        type_name(), name, quartile, calls, quartile * calls,
        flops > 0 ? fmt::format(", \"gflops\": {:.0f}", flops / quartile / 1e6) : "");
  }

  struct Product {
    std::int64_t M, N, K;
    bool trans_a, trans_b, accumulate, sums, packed;
  };
  void product(const std::string& name, double calls, const Product& p) {
    const std::vector<T> a = numbers<T>(p.M * p.K), b = numbers<T>(p.N * p.K);
    std::vector<float> c(static_cast<std::size_t>(p.M * p.N));
    Gemm g{.a = a.data(),
           .b = b.data(),
           .c = c.data(),
           .M = p.M,
           .N = p.N,
           .K = p.K,
           .lda = p.trans_a ? p.M : p.K,
           .ldb = p.trans_b ? p.K : p.N,
           .ldc = p.N,
           .trans_a = p.trans_a,
           .trans_b = p.trans_b,
           .ab = kType,
           .c_type = p.sums ? DType::f32 : kType,
           .accumulate = p.accumulate};
    const std::int64_t bytes =
        p.packed && kType == DType::bf16 ? table_.pack_bytes({p.K, p.N, kType}) : 0;
    const device::Buffer room(std::max<std::int64_t>(bytes, 64));
    PackedMatrix packed{room.data(), bytes, p.K, p.N, kType};
    if (bytes > 0) {
      table_.pack(b.data(), p.trans_b, packed, room.data(), queue_);
      g.packed_b = &packed;
    }
    const double flops = 2.0 * static_cast<double>(p.M * p.N) * static_cast<double>(p.K);
    time(name, calls, flops, [&] { table_.gemm(g, queue_); });
  }

  void linear(const Projection& p) {
    const std::string name = p.name;
    product(name + " y", kLayers, {tokens_, p.out, p.in, false, true, false, false, true});
    product(name + " dx", kLayers, {tokens_, p.in, p.out, false, false, false, false, true});
  }
  void adapter(const Projection& p) {
    const std::string name = std::string(p.name) + " lora ";
    const std::int64_t r = rank_, T_ = tokens_;
    product(name + "h", kLayers, {T_, r, p.in, false, true, false, false, false});
    product(name + "y", kLayers, {T_, p.out, r, false, true, true, false, false});
    product(name + "dh", kLayers, {T_, r, p.out, false, false, false, false, false});
    product(name + "db", kLayers, {p.out, r, T_, true, false, true, true, false});
    product(name + "da", kLayers, {r, p.in, T_, true, false, true, true, false});
    product(name + "dx", kLayers, {T_, p.in, r, false, false, true, false, false});
  }
  void head() {
    const std::int64_t R = std::min<std::int64_t>(tokens_, 128);
    const double blocks = static_cast<double>(tokens_) / static_cast<double>(R);
    product("head logits", blocks, {R, kVocab, kWidth, false, true, false, true, true});
    product("head dx", blocks, {R, kWidth, kVocab, false, false, false, false, true});
    const std::vector<float> logits = numbers<float>(R * kVocab);
    std::vector<T> gradient(logits.size());
    const std::vector<std::int32_t> targets(static_cast<std::size_t>(R), 7);
    std::vector<double> loss(targets.size());
    time("cross_entropy", blocks, 0, [&] {
      table_.cross_entropy(CrossEntropy<T>{logits.data(), targets.data(), loss.data(),
                                           gradient.data(), R, kVocab, 1.0},
                           queue_);
    });
  }

  void attention() {
    const std::int64_t QD = kHeads * kHeadDim, KD = kKeyHeads * kHeadDim;
    std::vector<T> q = numbers<T>(tokens_ * QD), k = numbers<T>(tokens_ * KD), v = k, o = q, d = q,
                   dq = q, dk = k, dv = k;
    std::vector<Acc<T>> lse(static_cast<std::size_t>(kHeads * tokens_));
    std::vector<Acc<T>> room(
        static_cast<std::size_t>(attention_bwd_workspace(tokens_, kHeads, kHeadDim)));
    const std::int32_t cu[] = {0, static_cast<std::int32_t>(tokens_)};
    const double pairs = static_cast<double>(tokens_) * static_cast<double>(tokens_ + 1) / 2;
    const double scale = 1 / std::sqrt(static_cast<double>(kHeadDim));
    time("attention_fwd", kLayers, 4 * pairs * static_cast<double>(QD), [&] {
      table_.attention_fwd(
          AttentionFwd<T>{q.data(), k.data(), v.data(),  o.data(), lse.data(), cu,   cu,
                          1,        kHeads,   kKeyHeads, kHeadDim, tokens_,    QD,   KD,
                          KD,       QD,       kHeadDim,  kHeadDim, kHeadDim,   scale},
          queue_);
    });
    time("attention_bwd", kLayers, 10 * pairs * static_cast<double>(QD), [&] {
      table_.attention_bwd(
          AttentionBwd<T>{q.data(),  k.data(),  v.data(),  o.data(),    d.data(), lse.data(),
                          dq.data(), dk.data(), dv.data(), room.data(), cu,       1,
                          kHeads,    kKeyHeads, kHeadDim,  tokens_,     QD,       KD,
                          KD,        QD,        QD,        KD,          KD,       QD,
                          kHeadDim,  kHeadDim,  kHeadDim,  kHeadDim,    kHeadDim, kHeadDim,
                          scale},
          queue_);
    });
    const std::vector<Acc<T>> angles(static_cast<std::size_t>(tokens_ * kHeadDim / 2), Acc<T>(0.5));
    std::vector<std::int32_t> positions(static_cast<std::size_t>(tokens_));
    for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<std::int32_t>(i);
    time("rope q", 2 * kLayers, 0, [&] {
      table_.rope(Rope<T>{q.data(), positions.data(), angles.data(), angles.data(), tokens_, kHeads,
                          kHeadDim, QD, kHeadDim, false},
                  queue_);
    });
  }

  void rows() {
    const std::int64_t n = tokens_ * kWidth, inner = tokens_ * kInner;
    const std::vector<T> x = numbers<T>(n), w = numbers<T>(kWidth), g = numbers<T>(inner), u = g;
    std::vector<T> y(x.size()), dg(g.size()), du(g.size());
    std::vector<Acc<T>> rstd(static_cast<std::size_t>(tokens_), Acc<T>(1));
    time("rmsnorm_fwd", 4 * kLayers, 0, [&] {
      table_.rmsnorm_fwd(
          RmsNormFwd<T>{x.data(), w.data(), y.data(), rstd.data(), tokens_, kWidth, 1e-6}, queue_);
    });
    time("rmsnorm_bwd", 2 * kLayers, 0, [&] {
      table_.rmsnorm_bwd(RmsNormBwd<T>{x.data(), w.data(), rstd.data(), x.data(), y.data(), nullptr,
                                       nullptr, tokens_, kWidth, true},
                         queue_);
    });
    time("activation_fwd", 2 * kLayers, 0, [&] {
      table_.activation_fwd(ActivationFwd<T>{g.data(), u.data(), dg.data(), tokens_, kInner, kInner,
                                             Activation::silu},
                            queue_);
    });
    time("activation_bwd", kLayers, 0, [&] {
      table_.activation_bwd(ActivationBwd<T>{g.data(), u.data(), g.data(), dg.data(), du.data(),
                                             tokens_, kInner, kInner, Activation::silu},
                            queue_);
    });
    time("copy", 2 * kLayers, 0, [&] { table_.copy(Copy<T>{x.data(), y.data(), n}, queue_); });
  }

  const KernelTable& table_;
  Queue& queue_;
  std::int64_t tokens_, rank_;
  double total_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int i, long otherwise) {
    return argc > i ? std::strtol(argv[i], nullptr, 10) : otherwise;
  };
  const long threads = argument(1, static_cast<long>(std::thread::hardware_concurrency()));
  const long tokens = argument(2, 512), rank = argument(3, 16);
  if (threads < 1 || tokens < 1 || rank < 1) {
    fmt::print(stderr, "usage: bench_kernels [THREADS] [TOKENS] [RANK]\n");
    return 2;
  }
  device::KokkosSession session(static_cast<int>(threads));
  const KernelTable table = make_kernel_table();
  StepBench<float>(table, session.queue(), tokens, rank).run();
  if (table.pack_bytes({64, 64, DType::bf16}) > 0)  // else bf16 is not computed with
    StepBench<bf16>(table, session.queue(), tokens, rank).run();
  return 0;
}
