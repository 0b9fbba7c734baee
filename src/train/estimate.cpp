#include "train/estimate.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include "device/session.hpp"
#include "train/session.hpp"

namespace axl::train {
namespace {

/// Share of the measured GEMM rate that whole steps reach (perf/results): attention, norms, the
/// optimiser and small adapter products take the rest.
constexpr double kStepEfficiency = 0.75;

/// FLOP/s of the model's widest layer product on 512 tokens.
double measure_gemm(const weights::ModelConfig& model, DType compute, kernels::Queue& queue) {
  const kernels::KernelTable kernels = kernels::make_kernel_table();
  const std::int64_t T = 512, C = model.hidden_size, F = model.intermediate_size;
  const std::int64_t element = size_of(compute);
  device::Buffer x(T * C * element), w(F * C * element), y(T * F * element);
  kernels::Gemm g{.a = x.data(),
                  .b = w.data(),
                  .c = y.data(),
                  .M = T,
                  .N = F,
                  .K = C,
                  .lda = C,
                  .ldb = C,
                  .ldc = F,
                  .trans_b = true,
                  .ab = compute,
                  .c_type = compute};
  using Clock = std::chrono::steady_clock;
  std::vector<double> seconds;
  const auto end = Clock::now() + std::chrono::milliseconds(300);
  do {
    const auto start = Clock::now();
    kernels.gemm(g, queue);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  } while (Clock::now() < end || seconds.size() < 5);
  std::nth_element(seconds.begin(),
                   seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2),
                   seconds.end());
  return 2.0 * static_cast<double>(T) * static_cast<double>(C) * static_cast<double>(F) /
         seconds[seconds.size() / 2];
}

}  // namespace

Estimate estimate(const config::Config& config, std::int64_t ranks, int threads) {
  Estimate e;
  e.ranks = ranks;
  e.threads = threads;
  const RunModel base = open_model(config);
  const RunData data = load_data(config, ranks, parallel::Comm(), base.config);
  device::KokkosSession kokkos(threads);
  model::DecoderOptions options = decoder_options(config, base.config);
  options.plan_only = true;
  const kernels::KernelTable kernels = kernels::make_kernel_table();
  model::Decoder model(base.config, base.weights, options, kernels, kokkos.queue(), {});
  e.total_parameters = model.total_parameters();
  e.trained_parameters = model.parameters().trained_elements();
  e.weights_converted = model.weight_bytes();
  e.weights_mapped = model.mapped_bytes();
  const std::int64_t flat = model.parameters().flat_elements();
  e.parameters = flat * (4 + 4 + (options.compute == DType::bf16 ? 2 : 0));
  e.optimizer =
      flat * 4 * static_cast<std::int64_t>(optim::optimizer_named(config.optimizer).state.size());
  e.max_tokens_per_micro_batch = data.plan->max_tokens_per_micro_batch();
  e.max_tokens_per_pass = data.max_tokens;
  e.activations = model.plan_bytes(data.max_tokens, data.max_tokens, true);
  const Cadence cadence(config, data.plan->total_steps(), data.plan->steps_per_epoch());
  e.total_steps = cadence.total_steps;
  e.steps_per_epoch = cadence.steps_per_epoch;
  e.warmup_steps = cadence.warmup_steps;
  e.rows = data.train->rows();
  e.eval_rows = data.eval ? data.eval->rows() : 0;
  e.tokens_per_epoch = data.train->total_tokens();
  e.label_tokens_per_epoch = data.train->total_label_tokens();
  e.packing_efficiency = config.sample_packing ? data.plan->packing_efficiency() : 0;
  const double head = static_cast<double>(base.config.vocab_size * base.config.hidden_size);
  const double body =
      static_cast<double>(e.total_parameters) - head * (base.config.tie_word_embeddings ? 1 : 2);
  // Forward 2 FLOP a weight and token, backward to activations 2, to weights 2 where they are
  // trained; the head works on label tokens only.
  const double passes = options.training.full ? 6.0 : 4.0;
  const double epoch_flops = passes * (body * static_cast<double>(e.tokens_per_epoch) +
                                       head * static_cast<double>(e.label_tokens_per_epoch));
  const double again =
      options.gradient_checkpointing ? 2.0 * body * static_cast<double>(e.tokens_per_epoch) : 0.0;
  e.flops_per_step =
      (epoch_flops + again) / static_cast<double>(std::max<std::int64_t>(1, e.steps_per_epoch));
  e.gemm_flops_per_second = measure_gemm(base.config, options.compute, kokkos.queue());
  e.seconds = static_cast<double>(e.total_steps) * e.flops_per_step /
              (kStepEfficiency * e.gemm_flops_per_second * static_cast<double>(ranks));
  return e;
}

}  // namespace axl::train
