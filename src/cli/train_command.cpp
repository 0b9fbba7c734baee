#include <memory>

#include "cli/command.hpp"
#include "cli/overrides.hpp"
#include "config/config.hpp"
#include "train/run.hpp"

namespace axl::cli {
namespace {

struct Options {
  std::string file;
  bool strict = false;
  bool log_all_ranks = false;
  std::string log_format = "text";
};

int train(const Options& options, const Overrides& overrides) {
  config::LoadOptions load_options;
  load_options.strict = options.strict;
  load_options.overrides = overrides;
  train::RunRequest request;
  config::LoadResult loaded = config::load_usable(options.file, load_options);
  request.config = std::move(loaded.config);
  request.effective_json = std::move(loaded.effective_json);
  request.config_path = options.file;
  request.log_all_ranks = options.log_all_ranks;
  request.log_json = options.log_format == "json";
  return train::run(request);
}

}  // namespace

CommandSpec train_command() {
  return {"train", "Fine-tune as CONFIG says; the default command",
          [](CommandLine& command, std::function<int()>& action) {
            const auto options = std::make_shared<Options>();
            command.add_option("CONFIG", options->file, "YAML configuration").required();
            command.add_flag("--strict", options->strict, "Unknown keys are errors");
            command.add_flag("--log-all-ranks", options->log_all_ranks,
                             "Every rank speaks, not rank 0 alone");
            command
                .add_option("--log-format", options->log_format, "text, or json: an object a line")
                .one_of({"text", "json"});
            command.allow_overrides();
            command.footer(
                "Any key of the configuration is an option: --learning-rate 1e-4\n"
                "Examples:\n"
                "  mpirun -np 2 axolotl-hpc configs/quickstart.yaml\n"
                "  srun axolotl-hpc config.yaml --max-steps 100");
            action = [options, &command] { return train(*options, command.overrides()); };
          }};
}

}  // namespace axl::cli
