#include "train/session.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <tuple>

#include "core/log.hpp"
#include "data/passes.hpp"
#include "data/plan_options.hpp"
#include "data/prepare.hpp"
#include "data/stream.hpp"
#include "hub/snapshot.hpp"
#include "train/data_report.hpp"
#include "train/prepared_batches.hpp"
#include "train/save_model.hpp"
#include "train/streamed_batches.hpp"
#include "weights/vocabulary.hpp"

namespace axl::train {
namespace {

/// Added tokens get rows (fit_vocabulary); a tokenizer whose own vocabulary has more tokens than
/// the model has rows belongs to another model.
void check_vocabulary(const tokenizer::Tokenizer& tokenizer, const config::Config& config,
                      const weights::ModelConfig& model) {
  for (std::int64_t id = model.vocab_size; id < tokenizer.vocab_size(); ++id) {
    const auto token = static_cast<tokenizer::TokenId>(id);
    if (tokenizer.is_added(token) || tokenizer.id_to_token(token).empty()) continue;
    throw Error(ErrorCode::input,
                fmt::format("the tokenizer has {} tokens, the model's embedding {} rows",
                            tokenizer.vocab_size(), model.vocab_size))
        .at(config.at("base_model"))
        .hint("tokenizer and model do not belong together");
  }
}

}  // namespace

model::BaseModel open_model(const config::Config& config) {
  std::optional<adapter::AdapterFiles> adapter;
  if (!config.lora_model_dir.empty())
    adapter.emplace(adapter::AdapterFiles::open(config.lora_model_dir));
  return model::open_base_model(config.model_source(), config.base_model_config,
                                adapter ? &*adapter : nullptr);
}

std::optional<quant::FourBitOptions> four_bit_options(const config::Config& config) {
  if (!config.load_in_4bit) return std::nullopt;
  return quant::FourBitOptions{.type = config.bnb_4bit_quant_type == "fp4"
                                           ? kernels::FourBitType::fp4
                                           : kernels::FourBitType::nf4,
                               .double_quant = config.bnb_4bit_use_double_quant,
                               .block = config.bnb_4bit_blocksize,
                               .from = config.dtype == "bf16" ? DType::bf16 : DType::f32};
}

model::DecoderOptions decoder_options(const config::Config& config,
                                      const weights::ModelConfig& model_config,
                                      const kernels::KernelTable& kernels) {
  model::DecoderOptions o;
  o.compute = kernels.compute_type(config.dtype == "bf16" ? DType::bf16 : DType::f32);
  if (config.dtype == "bf16") o.stored = DType::bf16;
  o.gradient_checkpointing = config.gradient_checkpointing;
  o.embedding_noise = config.neftune_noise_alpha.value_or(0.0);
  o.seed = static_cast<std::uint64_t>(config.seed);
  // Measured (docs/architecture.md, "Packed weights"): packing gains 5 % and doubles the frozen
  // weights; under bf16 both copies are as small as one f32 copy.
  o.prepack = o.compute == DType::bf16;
  o.four_bit = four_bit_options(config);
  if (config.adapter.empty()) {
    o.training.full = true;
    for (const std::string& pattern : config.unfrozen_parameters)
      o.training.unfrozen_parameters.emplace_back(pattern);
    return o;
  }
  o.training.lora = config.lora_model_dir.empty()
                        ? peft_config_of(config, family::family_of(model_config))
                        : adapter::read_peft_config(config.lora_model_dir);
  std::tie(o.training.lora->base_model_name_or_path, o.training.lora->revision) =
      hub::recorded_name(config.model_source());
  return o;
}

optim::OptimizerConfig optimizer_config(const config::Config& config) {
  optim::OptimizerConfig o{.learning_rate = config.learning_rate,
                           .beta1 = config.adam_beta1,
                           .beta2 = config.adam_beta2,
                           .epsilon = config.adam_epsilon,
                           .weight_decay = config.weight_decay,
                           .args = config.optim_args,
                           .groups = {}};
  optim::GroupOptions& g = o.groups;
  g.adapter = !config.adapter.empty();
  // 0 counts as not given, but for the weight decay of the group.
  g.embedding_group =
      config.embedding_lr_scale || config.embedding_lr || config.optimizer == "optimi_adamw";
  if (config.embedding_lr_scale.value_or(0) > 0) g.embedding_lr_scale = config.embedding_lr_scale;
  if (config.embedding_lr.value_or(0) > 0) g.embedding_lr = config.embedding_lr;
  if (g.adapter) {
    g.lora_plus_ratio = config.loraplus_lr_ratio;
    g.embedding_adapter_lr = config.loraplus_lr_embedding;
  }
  return o;
}

std::unique_ptr<task::Task> task_of(const config::Config& config, model::Decoder* reference) {
  return task::tasks()
      .get(config.rl.empty() ? "supervised" : config.rl)
      .make({.beta = config.preference_beta(),
             .label_smoothing = config.dpo_label_smoothing,
             .reference = reference});
}

bool needs_reference_model(const config::Config& config) {
  return !config.rl.empty() &&
         (config.adapter.empty() || !config.lora_model_dir.empty() ||
          !config.lora_modules_to_save.empty() || !config.peft_trainable_token_indices.empty());
}

model::DecoderOptions reference_options(const config::Config& config,
                                        const weights::ModelConfig& model,
                                        const kernels::KernelTable& kernels) {
  model::DecoderOptions o = decoder_options(config, model, kernels);
  o.embedding_noise = 0;
  const bool adapted = !config.lora_model_dir.empty();  // the adapter as the run found it
  if (!adapted) o.training = {};
  return o;
}

void fit_vocabulary(model::BaseModel& base, const config::Config& config, std::int64_t tokens,
                    const parallel::Comm& comm) {
  const std::int64_t rows =
      config.resize_token_embeddings_to_32x ? (tokens + 31) / 32 * 32 : tokens;
  if (rows <= base.config.vocab_size) return;
  const family::FamilySpec& family = family::family_of(base.config);
  if (comm.rank() == 0)
    log::info("model: {} embedding rows are added for {} tokens{}", rows - base.config.vocab_size,
              tokens, config.mean_resizing_embeddings ? ", each the mean of the others" : "");
  const std::vector<std::string>& saved = config.lora_modules_to_save;
  const bool trained = config.adapter.empty() || !config.peft_trainable_token_indices.empty() ||
                       std::find(saved.begin(), saved.end(), "embed_tokens") != saved.end();
  if (!trained && comm.rank() == 0)
    log::warning(
        "the added rows keep their starting values: lora_modules_to_save: [embed_tokens, lm_head] "
        "or peft_trainable_token_indices would train them");
  weights::grow_vocabulary(
      base.config, base.weights, family.tables(), rows,
      {.mean = config.mean_resizing_embeddings, .seed = static_cast<std::uint64_t>(config.seed)});
  base.grown = true;
}

RunData load_data(const config::Config& config, std::int64_t ranks, const parallel::Comm& comm,
                  const weights::ModelConfig& model, std::int64_t threads) {
  RunData out;
  std::string train_path, eval_path;
  parallel::collectively(comm, [&] {
    if (comm.rank() != 0) return;
    const tokenizer::Tokenizer tokenizer = data::load_tokenizer(config);
    out.vocabulary = tokenizer.vocab_size();
    check_vocabulary(tokenizer, config, model);
    const data::PrepareResult prepared = data::is_streaming(config)
                                             ? data::prepare_test_rows(config, tokenizer)
                                             : data::prepare(config, tokenizer, {});
    log_reports(prepared.reports);
    for (const std::string& warning : prepared.warnings) log::warning("{}", warning);
    const auto unknown = tokenizer.token_to_id(tokenizer.token_text("unk_token"));
    const auto pad = tokenizer.pad_id() ? tokenizer.pad_id() : tokenizer.eos_id();
    out.drop_token = pad ? *pad : unknown.value_or(0);
    train_path = prepared.train_path;
    eval_path = prepared.eval_path;
  });
  train_path = comm.broadcast(train_path, 0);
  eval_path = comm.broadcast(eval_path, 0);
  comm.broadcast(&out.drop_token, sizeof out.drop_token, 0);
  comm.broadcast(&out.vocabulary, sizeof out.vocabulary, 0);
  parallel::collectively(comm, [&] {
    if (data::is_streaming(config))
      out.train = std::make_unique<StreamedBatches>(config, comm, ranks, threads);
    else
      out.train = std::make_unique<PreparedBatches>(comm, data::PreparedDataset::open(train_path),
                                                    data::train_plan_options(config, ranks),
                                                    task_of(config, nullptr)->layout());
    out.max_tokens = out.train->max_tokens_per_pass();
    if (eval_path.empty()) return;
    out.eval = data::PreparedDataset::open(eval_path);
    out.eval_plan = std::make_unique<data::BatchPlan>(out.eval->lengths(),
                                                      data::eval_plan_options(config, ranks));
    out.max_tokens = std::max(out.max_tokens, data::max_tokens_per_pass(*out.eval_plan, *out.eval));
  });
  return out;
}

}  // namespace axl::train
