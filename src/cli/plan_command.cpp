#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <memory>

#include "cli/command.hpp"
#include "cli/overrides.hpp"
#include "config/config.hpp"
#include "core/json.hpp"
#include "train/estimate.hpp"

namespace axl::cli {
namespace {

struct Options {
  std::string file;
  std::string format = "text";
  std::int64_t ranks = 1;
};

std::string mib(std::int64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

std::string duration(double seconds) {
  const auto s = static_cast<std::int64_t>(seconds + 0.5);
  if (s >= 3600) return fmt::format("{} h {:02} min", s / 3600, s % 3600 / 60);
  return fmt::format("{} min {:02} s", s / 60, s % 60);
}

void print_text(const train::Estimate& e) {
  const std::int64_t rank = e.parameters + e.optimizer + e.activations;
  const auto line = [](std::string_view name, const std::string& value, std::string_view note) {
    fmt::print("  {:<34}{:>16}  {}\n", name, value, note);
  };
  fmt::print("model\n");
  line("parameters", fmt::format("{}", e.total_parameters), "");
  line("trained", fmt::format("{}", e.trained_parameters),
       fmt::format("{:.2f} %", 100.0 * static_cast<double>(e.trained_parameters) /
                                   static_cast<double>(e.total_parameters)));
  line("frozen matrices of the layers", e.matrix_formats, "");
  fmt::print("memory\n");
  line("frozen weights, converted", mib(e.weights_converted), "once a node");
  line("frozen weights, mapped files", mib(e.weights_mapped), "once a node, the page cache's");
  line("trained parameters and gradients", mib(e.parameters), "a rank");
  line("optimiser state", mib(e.optimizer), "a rank");
  line("activations", mib(e.activations),
       fmt::format("a rank, {} tokens at once", e.max_tokens_per_pass));
  line("sum", mib(e.weights_converted + e.weights_mapped + e.ranks * rank),
       fmt::format("{} rank{} on one node", e.ranks, e.ranks == 1 ? "" : "s"));
  fmt::print("data\n");
  line(e.stream ? "rows looked at" : "rows", fmt::format("{}", e.rows),
       fmt::format("and {} for evaluation", e.eval_rows));
  line(e.stream ? "tokens of the run, about" : "tokens an epoch",
       fmt::format("{}", e.tokens_per_epoch),
       fmt::format("{} of them labels", e.label_tokens_per_epoch));
  if (e.packing_efficiency > 0)
    line("packing efficiency", fmt::format("{:.1f} %", 100 * e.packing_efficiency), "");
  fmt::print("time\n");
  line("steps", fmt::format("{}", e.total_steps),
       e.stream ? fmt::format("on a stream, {} of warm-up", e.warmup_steps)
                : fmt::format("{} an epoch, {} of warm-up", e.steps_per_epoch, e.warmup_steps));
  line("layout", fmt::format("{} x {}", e.ranks, e.threads), "ranks x threads");
  line("GEMM, measured", fmt::format("{:.0f} GFLOP/s", e.gemm_flops_per_second / 1e9), "a rank");
  line("work", fmt::format("{:.1f} TFLOP", e.flops_per_step / 1e12), "a step");
  line("estimated", duration(e.seconds), "training alone");
}

void print_json(const train::Estimate& e) {
  nlohmann::ordered_json j{{"ranks", e.ranks},
                           {"threads", e.threads},
                           {"total_parameters", e.total_parameters},
                           {"trained_parameters", e.trained_parameters},
                           {"matrix_formats", e.matrix_formats},
                           {"weights_converted_bytes", e.weights_converted},
                           {"weights_mapped_bytes", e.weights_mapped},
                           {"parameter_bytes", e.parameters},
                           {"optimizer_bytes", e.optimizer},
                           {"activation_bytes", e.activations},
                           {"total_steps", e.total_steps},
                           {"steps_per_epoch", e.steps_per_epoch},
                           {"warmup_steps", e.warmup_steps},
                           {"stream", e.stream},
                           {"rows", e.rows},
                           {"eval_rows", e.eval_rows},
                           {"tokens_per_epoch", e.tokens_per_epoch},
                           {"label_tokens_per_epoch", e.label_tokens_per_epoch},
                           {"max_tokens_per_micro_batch", e.max_tokens_per_micro_batch},
                           {"max_tokens_per_pass", e.max_tokens_per_pass},
                           {"packing_efficiency", e.packing_efficiency},
                           {"flops_per_step", e.flops_per_step},
                           {"gemm_flops_per_second", e.gemm_flops_per_second},
                           {"estimated_seconds", e.seconds}};
  fmt::print("{}\n", json_text(j, 2));
}

int plan(const Options& options, const Overrides& overrides) {
  config::LoadOptions load_options;
  load_options.overrides = overrides;
  const config::Config config = config::load_or_throw(options.file, load_options);
  cpu_set_t mask;
  CPU_ZERO(&mask);
  ::sched_getaffinity(0, sizeof mask, &mask);
  const int threads = std::max(1, CPU_COUNT(&mask) / static_cast<int>(options.ranks));
  const train::Estimate e = train::estimate(config, options.ranks, threads);
  if (options.format == "json")
    print_json(e);
  else
    print_text(e);
  return kExitDone;
}

}  // namespace

CommandSpec plan_command() {
  return {"plan", "Show memory, steps, tokens and time of a run without training",
          [](CommandLine& command, std::function<int()>& action) {
            const auto options = std::make_shared<Options>();
            command.add_option("CONFIG", options->file, "YAML configuration").required();
            command.add_option("--ranks", options->ranks, "Data-parallel ranks, on this node")
                .between(std::int64_t{1}, std::int64_t{100000});
            command.add_option("--format", options->format, "text or json")
                .one_of({"text", "json"})
                .value_name("text|json");
            command.allow_overrides();
            command.footer("Example:\n  axolotl-hpc plan configs/quickstart.yaml --ranks 2");
            action = [options, &command] { return plan(*options, command.overrides()); };
          }};
}

}  // namespace axl::cli
