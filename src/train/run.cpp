#include "train/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <new>
#include <optional>
#include <utility>

#include "adapter/peft_files.hpp"
#include "checkpoint/model_folder.hpp"
#include "core/durable_file.hpp"
#include "core/log.hpp"
#include "data/prepare.hpp"
#include "data/stream.hpp"
#include "device/session.hpp"
#include "model/load_adapter.hpp"
#include "model/plan_step.hpp"
#include "observe/run_events.hpp"
#include "train/layout.hpp"
#include "train/output_lock.hpp"
#include "train/resume.hpp"
#include "train/run_settings.hpp"
#include "train/save_model.hpp"
#include "train/session.hpp"
#include "train/trainer.hpp"

namespace axl::train {
namespace {

/// A run that starts from a checkpoint of its own output folder would remove it with the old ones.
void keep_inputs(const config::Config& config) {
  const std::pair<const char*, const std::string&> inputs[] = {
      {"base_model", config.base_model},
      {"base_model_config", config.base_model_config},
      {"lora_model_dir", config.lora_model_dir},
      {"tokenizer_config", config.tokenizer_config}};
  for (const auto& [key, path] : inputs)
    if (!path.empty() && checkpoint::is_among_checkpoints(config.output_dir, path))
      throw Error(ErrorCode::config, "'" + path + "' is among the checkpoints of output_dir '" +
                                         config.output_dir +
                                         "', which this run replaces and removes")
          .at(config.at(key))
          .hint("give output_dir another folder, or move the checkpoint out of it");
}

/// Held for as long as the run lasts, by rank 0.
OutputLock take_output_folder(const config::Config& config, const parallel::Comm& comm) {
  OutputLock lock;
  parallel::collectively(comm, [&] {
    if (comm.rank() != 0) return;
    std::error_code error, ignored;
    const auto keep = [&](const std::string& source, const std::string& what) {
      try {
        checkpoint::refuse_overwriting(config.output_dir, source, what, false);
      } catch (const Error& e) {
        throw Error(ErrorCode::config, e.message()).at(config.at("output_dir")).hint(e.hint());
      }
    };
    keep(config.base_model, "the base model");
    if (!config.lora_model_dir.empty())
      keep(config.lora_model_dir, "the adapter of lora_model_dir");
    if (!config.tokenizer_config.empty()) keep(config.tokenizer_config, "the tokenizer");
    std::filesystem::create_directories(config.output_dir, error);
    const bool is_file = std::filesystem::is_regular_file(config.output_dir, ignored);
    if (error || is_file)
      throw Error(is_file ? ErrorCode::input : code_of_folder(error),
                  "cannot create the folder '" + config.output_dir +
                      "': " + (is_file ? "it is a file" : error.message()))
          .at(config.at("output_dir"));
    keep_inputs(config);
    lock = OutputLock(config.output_dir);
  });
  return lock;
}

model::WeightMemory shared_memory(parallel::NodeShared& shared, const parallel::Comm& node) {
  model::WeightMemory m;
  m.allocate = [&shared](std::int64_t bytes) { return shared.allocate(bytes); };
  m.fills = shared.writer();
  m.fence = [&shared] { shared.fence(); };
  m.together = [&node](const std::function<void()>& body) { parallel::collectively(node, body); };
  return m;
}

void describe_start(const config::Config& config, const ThreadLayout& layout,
                    const model::Decoder& model, std::int64_t trained, BatchSource& batches,
                    std::int64_t ranks, std::int64_t arena_bytes, const std::string& kernels) {
  log::info("layout: {}", layout.description);
  log::info("kernels: {}", kernels);
  log::info(
      "model: {} ({} parameters, {} trained), compute {}, frozen matrices {}, weights {} MiB "
      "converted + {} MiB mapped, activations {} MiB",
      config.base_model, model.total_parameters(), trained,
      model.stored() == model.compute() ? std::string(name_of(model.compute()))
                                        : "f32, stored as bf16",
      model.matrix_formats(), model.weight_bytes() >> 20, model.mapped_bytes() >> 20,
      arena_bytes >> 20);
  const bool streams = data::is_streaming(config);
  log::info(
      "plan: {} steps{}, micro_batch_size {} x gradient_accumulation_steps {} x {} ranks{}",
      batches.total_steps(),
      streams ? " on a stream" : fmt::format(", {} an epoch", batches.steps_per_epoch()),
      config.micro_batch_size, config.gradient_accumulation_steps, ranks,
      config.sample_packing && !streams
          ? fmt::format(", packing efficiency {:.1f} %", 100 * batches.sizes().packing_efficiency)
          : "");
}

/// Who stops early wants the weights from before the loss went up again: as in Axolotl, the result
/// is the checkpoint whose evaluation was the best.
bool take_best(const config::Config& config, const BestEvaluation& best) {
  if (!config.early_stopping_patience || !best.checkpoint()) return false;
  const std::int64_t step = *best.checkpoint();
  if (!std::filesystem::is_directory(config.output_dir + "/checkpoint-" + std::to_string(step))) {
    log::warning("checkpoint-{}, the best one, is gone: the result are the last weights", step);
    return false;
  }
  checkpoint::copy_weights(config.output_dir, step);
  log::info("result: the weights of step {}, whose evaluation loss of {:.4f} was the lowest", step,
            best.checkpoint_loss());
  return true;
}

/// Whether the weights in the output folder are those of `checkpoint`: a run that died between its
/// last checkpoint and its result left an older run's result there, or none. Collective.
bool has_result(const config::Config& config, const std::string& checkpoint,
                const parallel::Comm& comm) {
  std::int64_t there = 0;
  parallel::collectively(comm, [&] {
    if (comm.rank() == 0) there = checkpoint::weights_are_copied(checkpoint, config.output_dir);
  });
  comm.broadcast(&there, sizeof there, 0);
  return there != 0;
}

/// A failure of one rank inside a step cannot be agreed upon: its peers wait in a collective. The
/// first cause is printed and the job ended. Failures that every rank sees alike go on up.
template <class F>
void in_step_phase(const parallel::Comm& comm, F body) {
  try {
    body();
  } catch (const Error& e) {
    if (e.is_agreed() || comm.size() == 1) throw;
    log::error("rank {}: {}", comm.rank(), e.what());
    comm.abort(e.exit_code());
  } catch (const std::exception& e) {
    if (comm.size() == 1) throw;
    log::error("rank {}: {}", comm.rank(), e.what());
    comm.abort(kExitFailed);
  }
}

/// A stage of the set-up, which may hold collectives of its own. What every rank finds wrong in the
/// same input is agreed on. What one rank alone may find, such as its memory, ends the job: its
/// peers may wait in one of those collectives.
template <class F>
void in_set_up(const parallel::Comm& comm, F body) {
  const auto end_job = [&](const char* what, int exit_code) {
    log::error("rank {}, setting up: {}", comm.rank(), what);
    comm.abort(exit_code);
  };
  parallel::collectively(comm, [&] {
    try {
      body();
    } catch (const Error& e) {
      if (comm.size() > 1 && !e.is_agreed() && e.exit_code() != kExitBadInput)
        end_job(e.what(), e.exit_code());
      throw;
    } catch (const std::bad_alloc&) {
      if (comm.size() > 1) end_job("out of memory", kExitFailed);
      throw Error(ErrorCode::device, "out of memory");
    } catch (const std::exception& e) {
      if (comm.size() > 1) end_job(e.what(), kExitFailed);
      throw;
    }
  });
}

}  // namespace

int run(const RunRequest& request) {
  const config::Config& config = request.config;
  parallel::MpiSession mpi(nullptr, nullptr);
  const parallel::Comm comm = parallel::Comm::world();
  const parallel::Comm node = comm.node();
  log::configure(
      {.rank = comm.rank(), .all_ranks = request.log_all_ranks, .json = request.log_json});
  const ThreadLayout layout = choose_threads(comm, node);
  device::KokkosSession kokkos(layout.threads);
  const kernels::KernelTable kernels = kernels::make_kernel_table();

  std::optional<model::BaseModel> base;
  parallel::collectively(comm, [&] { base = open_model(config); });
  const OutputLock lock = take_output_folder(config, comm);
  RunData data = load_data(config, comm.size(), comm, base->config, layout.threads);
  parallel::collectively(comm, [&] { fit_vocabulary(*base, config, data.vocabulary, comm); });

  parallel::NodeShared shared(node);
  parallel::NodeShared shared_reference(node);
  std::unique_ptr<model::Decoder> model, reference;
  const auto build = [&](const model::DecoderOptions& options, parallel::NodeShared& memory) {
    auto built = std::make_unique<model::Decoder>(base->config, base->weights, options, kernels,
                                                  kokkos.queue(), shared_memory(memory, node));
    built->reserve_positions(std::max<std::int64_t>(config.sequence_len, data.max_tokens));
    return built;
  };
  in_set_up(comm, [&] {
    model = build(decoder_options(config, base->config, kernels), shared);
    if (needs_reference_model(config))
      reference = build(reference_options(config, base->config, kernels), shared_reference);
  });
  const std::unique_ptr<task::Task> task = task_of(config, reference.get());
  const optim::OptimizerSpec& method = optim::optimizer_named(config.optimizer);
  const std::int64_t arena_bytes =
      std::max(model::plan_step(*model, data.max_tokens, data.max_tokens, true).bytes,
               optim::workspace_bytes(method, model->parameters()));
  std::optional<device::Arena> arena;
  std::optional<optim::Optimizer> optimizer_room;
  in_set_up(comm, [&] {
    arena.emplace(arena_bytes);
    optimizer_room.emplace(method, optimizer_config(config), model->parameters());
  });
  optim::Optimizer& optimizer = *optimizer_room;
  ops::Context ctx{kernels, kokkos.queue(), *arena};
  const Cadence cadence(config, data.train->total_steps(), data.train->steps_per_epoch());
  const std::unique_ptr<observe::EventSink> events =
      comm.rank() == 0 ? observe::make_sinks({.tensorboard = config.use_tensorboard})
                       : std::make_unique<observe::EventSink>();
  const std::int64_t trained = model->parameters().trained_elements();
  if (!config.rl.empty())
    log::info("task: {}, beta {}, against {}", config.rl, config.preference_beta(),
              reference
                  ? fmt::format("a frozen model of its own, {} MiB converted + {} MiB mapped",
                                reference->weight_bytes() >> 20, reference->mapped_bytes() >> 20)
                  : "the model without its adapter");
  describe_start(config, layout, *model, trained, *data.train, comm.size(), arena_bytes,
                 kernels.describe());

  if (!config.lora_model_dir.empty())
    parallel::collectively(comm, [&] {
      const auto files = adapter::AdapterFiles::open(config.lora_model_dir);
      model::load_adapter(ctx, *model, files);
      if (reference) model::load_adapter(ctx, *reference, files);
    });
  std::optional<tokenizer::Tokenizer> tokenizer;  // of rank 0, when a whole model is written
  const auto write_weights = [&](const std::string& folder) {
    save_trained(folder, *model, base->weights, base->grown);
    if (!config.adapter.empty()) return;
    if (!tokenizer) tokenizer.emplace(data::load_tokenizer(config));
    checkpoint::write_trained_companions(
        config.model_source(), config.tokenizer_source(), model->config(),
        model->stored() == DType::bf16 ? "bfloat16" : "float32",
        {tokenizer->bos_id(), tokenizer->eos_id(), tokenizer->pad_id()}, folder);
    tokenizer->save(folder);
  };
  BestEvaluation best;
  const auto write_result = [&] {  // rank 0
    if (!take_best(config, best)) write_weights(config.output_dir);
    data::load_tokenizer(config).save(config.output_dir);
  };
  const ResumableState state(config, comm, *model, optimizer, *data.train, best,
                             fingerprint_of(base->weights));
  std::int64_t first_step = 0;
  if (const auto folder = state.wanted()) {
    first_step = state.load(*folder);
    model->refresh_values(ctx);
    log::info("resume: {} steps done, from {}", first_step, *folder);
    const bool enough =
        config.early_stopping_patience && best.without_gain() >= *config.early_stopping_patience;
    if (first_step >= cadence.total_steps || enough) {
      const bool early = config.early_stopping_patience && best.checkpoint();
      const std::string source =
          early ? config.output_dir + "/checkpoint-" + std::to_string(*best.checkpoint()) : *folder;
      const bool there = has_result(config, source, comm);
      parallel::collectively(comm, [&] {
        if (comm.rank() == 0 && !there) write_result();
      });
      const std::string done = enough ? fmt::format("it stopped early, after {} steps", first_step)
                                      : fmt::format("all {} steps are done", first_step);
      log::info("nothing is left to train: {}, and {} {}", done, config.output_dir,
                there ? "holds the result" : "has the result now");
      return kExitDone;
    }
  }
  parallel::collectively(comm, [&] {
    events->start({.output_dir = config.output_dir,
                   .total_steps = cadence.total_steps,
                   .num_epochs = config.num_epochs,
                   .ranks = comm.size(),
                   .threads_per_rank = layout.threads,
                   .config_path = request.config_path,
                   .model = config.base_model,
                   .adapter = config.adapter,
                   .dtype = std::string(name_of(model->compute())),
                   .effective_config_json = request.effective_json,
                   .trained_parameters = trained,
                   .total_parameters = model->total_parameters(),
                   .start_step = first_step});
  });
  const auto start = std::chrono::steady_clock::now();
  std::optional<Trainer> trainer_room;
  in_set_up(comm, [&] {
    trainer_room.emplace(TrainerParts{.config = config,
                                      .comm = comm,
                                      .ctx = ctx,
                                      .model = *model,
                                      .batches = *data.train,
                                      .eval_dataset = data.eval ? &*data.eval : nullptr,
                                      .eval_plan = data.eval_plan.get(),
                                      .task = *task,
                                      .optimizer = optimizer,
                                      .cadence = cadence,
                                      .best = best,
                                      .drop_token = data.drop_token,
                                      .events = *events});
  });
  Trainer& trainer = *trainer_room;
  Outcome outcome = Outcome::finished;
  std::int64_t steps_done = first_step;
  std::string last_checkpoint;
  in_step_phase(comm, [&] {
    outcome = trainer.run(first_step, [&](std::int64_t step) {
      state.save(step, write_weights, config.save_only_model);
      steps_done = step;
      last_checkpoint = config.output_dir + "/checkpoint-" + std::to_string(step);
      parallel::collectively(comm, [&] { events->checkpoint(step, last_checkpoint); });
    });
  });
  data.train->report();
  parallel::collectively(comm, [&] {
    if (comm.rank() != 0) return;
    if (outcome == Outcome::finished) write_result();
    events->end(
        {.status = outcome == Outcome::finished  ? "done"
                   : outcome == Outcome::stopped ? "stopped"
                                                 : "failed",
         .steps =
             outcome == Outcome::finished ? std::max(cadence.total_steps, first_step) : steps_done,
         .seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(),
         .train_loss = trainer.mean_loss(),
         .adapter_dir = outcome == Outcome::out_of_rows ? last_checkpoint : config.output_dir});
  });
  if (trainer.failure()) throw Error(*trainer.failure());
  return outcome == Outcome::finished ? kExitDone : kExitStopped;
}

}  // namespace axl::train
