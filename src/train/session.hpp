#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "data/batch_plan.hpp"
#include "model/base_model.hpp"
#include "model/decoder.hpp"
#include "optim/optimizer.hpp"
#include "parallel/comm.hpp"
#include "task/task.hpp"
#include "train/batch_source.hpp"
#include "train/cadence.hpp"

namespace axl::train {

/// The rows of a run: prepared once by rank 0 and mapped by everybody, with the exact plan over
/// them; training rows may come from a stream instead, which every rank reads.
struct RunData {
  std::unique_ptr<BatchSource> train;
  std::optional<data::PreparedDataset> eval;
  std::unique_ptr<data::BatchPlan> eval_plan;
  data::TokenId drop_token = 0;  ///< what token_dropout puts in place of a token
  std::int64_t max_tokens = 0;   ///< of a pass, training or evaluation
  std::int64_t vocabulary = 0;   ///< tokens of the tokenizer
};
/// `ranks` is the number of data-parallel ranks that the plan is for: comm.size() in a run. `comm`
/// outlives the result. `threads` tokenise a stream.
RunData load_data(const config::Config& config, std::int64_t ranks, const parallel::Comm& comm,
                  const weights::ModelConfig& model, std::int64_t threads);

/// base_model as the run starts from it: with the adapter of lora_model_dir, what that was trained
/// on.
model::BaseModel open_model(const config::Config& config);
/// Gives the embedding and the head rows for `tokens` tokens where they have fewer (Axolotl's
/// resize_token_embeddings), and says so.
void fit_vocabulary(model::BaseModel& base, const config::Config& config, std::int64_t tokens,
                    const parallel::Comm& comm);

/// What load_in_4bit and bnb_config_kwargs ask for; nothing without load_in_4bit.
std::optional<quant::FourBitOptions> four_bit_options(const config::Config& config);
model::DecoderOptions decoder_options(const config::Config& config,
                                      const weights::ModelConfig& model,
                                      const kernels::KernelTable& kernels);
optim::OptimizerConfig optimizer_config(const config::Config& config);
/// What the run learns. `reference`: see TaskOptions.
std::unique_ptr<task::Task> task_of(const config::Config& config, model::Decoder* reference);
/// Whether preferences are measured against a frozen model of their own: where leaving the adapters
/// out does not give back the model that the run begins with.
bool needs_reference_model(const config::Config& config);
/// Of that model.
model::DecoderOptions reference_options(const config::Config& config,
                                        const weights::ModelConfig& model,
                                        const kernels::KernelTable& kernels);

}  // namespace axl::train
