#include "train/estimate.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include "data/passes.hpp"
#include "data/stream.hpp"
#include "device/session.hpp"
#include "model/plan_step.hpp"
#include "train/session.hpp"

namespace axl::train {
namespace {

/// Share of the measured GEMM rate that whole steps reach (perf/results): norms, softmax, the
/// optimiser and small adapter products take the rest.
constexpr double kStepEfficiency = 0.75;

/// A product of the step: (M, K) by (K, N), the weight stored (N, K) when it is transposed.
struct Product {
  std::int64_t M, N, K;
  bool trans_b;
  double count;  ///< times in a pass
  double flops() const {
    return 2.0 * static_cast<double>(M) * static_cast<double>(N) * static_cast<double>(K);
  }
};

/// The products of a pass with the model's weights, forward and backward.
std::vector<Product> products_of(const model::Decoder& model) {
  std::vector<Product> out;
  const auto both_ways = [&out](std::int64_t rows, const adapter::Linear& l, double count) {
    out.push_back({rows, l.out, l.in, true, count});
    out.push_back({rows, l.in, l.out, false, count});
  };
  const auto layers = static_cast<double>(model.layers().size());
  for (const adapter::Linear* l : model.layers().front().linears())
    both_ways(data::kTokensPerPass, *l, layers);
  both_ways(model.loss_rows(), model.lm_head(), 1);
  return out;
}

/// Seconds of one product: the median of a few.
double seconds_of(const Product& p, DType compute, bool packed, const kernels::KernelTable& kernels,
                  kernels::Queue& queue) {
  const std::int64_t element = size_of(compute);
  const std::int64_t pack_bytes = packed ? kernels.pack_bytes({p.K, p.N, compute}) : 0;
  device::Buffer x(p.M * p.K * element), w(p.K * p.N * element), y(p.M * p.N * element),
      room(pack_bytes);
  kernels::Gemm g{.a = x.data(),
                  .b = w.data(),
                  .c = y.data(),
                  .M = p.M,
                  .N = p.N,
                  .K = p.K,
                  .lda = p.K,
                  .ldb = p.trans_b ? p.K : p.N,
                  .ldc = p.N,
                  .trans_b = p.trans_b,
                  .ab = compute,
                  .c_type = compute};
  kernels::PackedMatrix matrix{room.data(), pack_bytes, p.K, p.N, compute};
  if (pack_bytes > 0) {
    kernels.pack(w.data(), p.trans_b, matrix, room.data(), queue);
    g.packed_b = &matrix;
  }
  using Clock = std::chrono::steady_clock;
  std::vector<double> seconds;
  for (int i = 0; i < 6; ++i) {
    const auto start = Clock::now();
    kernels.gemm(g, queue);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::sort(seconds.begin() + 1, seconds.end());  // the first one makes the primitive
  return seconds[3];
}

/// FLOP/s that this machine reaches on the step's own products, alone and one after another.
double measure_gemm(const model::Decoder& model, const kernels::KernelTable& kernels,
                    kernels::Queue& queue) {
  double flops = 0, seconds = 0;
  for (const Product& p : products_of(model)) {
    flops += p.count * p.flops();
    seconds += p.count * seconds_of(p, model.compute(), model.options().prepack, kernels, queue);
  }
  return flops / seconds;
}

}  // namespace

Estimate estimate(const config::Config& config, std::int64_t ranks, int threads) {
  Estimate e;
  e.ranks = ranks;
  e.threads = threads;
  model::BaseModel base = open_model(config);
  const parallel::Comm alone;
  const RunData data = load_data(config, ranks, alone, base.config, threads);
  fit_vocabulary(base, config, data.vocabulary, alone);
  device::KokkosSession kokkos(threads);
  const kernels::KernelTable kernels = kernels::make_kernel_table();
  model::DecoderOptions options = decoder_options(config, base.config, kernels);
  options.plan_only = true;
  model::Decoder model(base.config, base.weights, options, kernels, kokkos.queue(), {});
  e.total_parameters = model.total_parameters();
  e.trained_parameters = model.parameters().trained_elements();
  e.weights_converted = model.weight_bytes();
  if (needs_reference_model(config)) {
    model::DecoderOptions frozen = reference_options(config, base.config, kernels);
    frozen.plan_only = true;
    const model::Decoder reference(base.config, base.weights, frozen, kernels, kokkos.queue(), {});
    e.weights_converted += reference.weight_bytes();
  }
  e.matrix_formats = model.matrix_formats();
  e.weights_mapped = model.mapped_bytes();
  const std::int64_t flat = model.parameters().flat_elements();
  e.parameters = flat * (4 + 4 + (options.compute == DType::bf16 ? 2 : 0));
  e.optimizer = optim::state_bytes(optim::optimizer_named(config.optimizer),
                                   optimizer_config(config), model.parameters());
  e.max_tokens_per_micro_batch = data.train->max_tokens_per_micro_batch();
  e.max_tokens_per_pass = data.max_tokens;
  model.reserve_positions(std::max<std::int64_t>(config.sequence_len, data.max_tokens));
  e.activations = model::plan_step(model, data.max_tokens, data.max_tokens, true).bytes;
  const Cadence cadence(config, data.train->total_steps(), data.train->steps_per_epoch());
  e.total_steps = cadence.total_steps;
  e.steps_per_epoch = cadence.steps_per_epoch;
  e.warmup_steps = cadence.warmup_steps;
  const BatchSizes sizes = data.train->sizes();
  e.stream = data::is_streaming(config);
  e.rows = sizes.rows;
  e.eval_rows = data.eval ? data.eval->rows() : 0;
  e.tokens_per_epoch = sizes.tokens_per_epoch;
  e.label_tokens_per_epoch = sizes.label_tokens_per_epoch;
  e.packing_efficiency = sizes.packing_efficiency;
  const double head = static_cast<double>(base.config.vocab_size * base.config.hidden_size);
  const double body =
      static_cast<double>(e.total_parameters) - head * (base.config.tie_word_embeddings ? 1 : 2);
  // Forward 2 FLOP a weight and token, backward to activations 2, to weights 2 where they are
  // trained; the head works on label tokens only.
  const double passes = options.training.full ? 6.0 : 4.0;
  const double epoch_flops = passes * (body * static_cast<double>(e.tokens_per_epoch) +
                                       head * static_cast<double>(e.label_tokens_per_epoch));
  // An adapter's products: forward, to activations, and to its own weights.
  const double adapter = options.training.lora ? 6.0 * static_cast<double>(e.trained_parameters) *
                                                     static_cast<double>(e.tokens_per_epoch)
                                               : 0.0;
  // The reference is asked once, forward.
  const double reference = config.rl.empty()
                               ? 0.0
                               : 2.0 * (body * static_cast<double>(e.tokens_per_epoch) +
                                        2.0 * head * static_cast<double>(e.label_tokens_per_epoch));
  const double again =
      options.gradient_checkpointing ? 2.0 * body * static_cast<double>(e.tokens_per_epoch) : 0.0;
  // Attention has two products forward and five backward, of as many FLOP a pair of tokens as the
  // heads have elements twice (Chowdhery et al. 2022, arXiv:2204.02311, appendix B, counts
  // likewise).
  const double attention =
      (options.gradient_checkpointing ? 9.0 : 7.0) * 2.0 * sizes.attended_pairs_per_epoch *
      static_cast<double>(base.config.num_hidden_layers * base.config.num_attention_heads *
                          base.config.head_dim);
  e.flops_per_step = (epoch_flops + adapter + reference + again + attention) /
                     static_cast<double>(std::max<std::int64_t>(1, e.steps_per_epoch));
  e.gemm_flops_per_second = measure_gemm(model, kernels, kokkos.queue());
  e.seconds = static_cast<double>(e.total_steps) * e.flops_per_step /
              (kStepEfficiency * e.gemm_flops_per_second * static_cast<double>(ranks));
  return e;
}

}  // namespace axl::train
