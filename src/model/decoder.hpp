#pragma once
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapter/embedding.hpp"
#include "adapter/method.hpp"
#include "adapter/peft_config.hpp"
#include "family/family.hpp"
#include "model/decoder_layer.hpp"
#include "model/frozen_store.hpp"
#include "tensor/parameters.hpp"
#include "weights/weight_file.hpp"

namespace axl::model {

/// What is trained, and on what.
struct TrainingMode {
  bool full = false;  ///< every parameter, or those that unfrozen_parameters match
  std::vector<ParameterPattern> unfrozen_parameters;
  std::optional<adapter::PeftConfig> lora;
};

struct DecoderOptions {
  DType compute = DType::f32;
  /// Of the activations that wait for the backward pass, and of a full model on disk. bf16 under an
  /// f32 compute type: what bf16 means on a processor that cannot compute with it.
  std::optional<DType> stored;
  TrainingMode training;
  bool prepack = false;  ///< copies of the frozen matrices in the GEMM's own layout
  /// Frozen matrices of the layers in 4 bits, but for those that the file has in few bits itself.
  std::optional<quant::FourBitOptions> four_bit;
  bool gradient_checkpointing = false;
  double embedding_noise = 0;  ///< NEFTune's alpha, in training; 0: none
  std::uint64_t seed = 42;     ///< of new adapter weights
  bool plan_only = false;      ///< nothing is allocated or read: sizes and plan_step() only
};

/// What a step will need, from the step itself run on nothing.
struct StepPlan {
  std::int64_t bytes = 0;  ///< peak of the arena
  kernels::Work work;
};

/// A decoder-only language model of one of the families, ready to train or to run.
class Decoder {
 public:
  /// Checks every tensor's shape before anything is allocated; Error{input} names the tensor, what
  /// it is and what the config asks for.
  Decoder(const weights::ModelConfig& config, const weights::WeightFile& weights,
          const DecoderOptions& options, const kernels::KernelTable& kernels, kernels::Queue& queue,
          const WeightMemory& memory);

  /// Activations of one micro-batch between forward and backward.
  struct Saved {
    std::vector<TensorView> x;  ///< input of every layer, stored, and the last one's output; (T, C)
    std::vector<DecoderLayer::Saved> layers;
  };

  /// Final hidden states (before the last norm), a view into `saved`, which lies in the arena.
  TensorView forward(Context& ctx, const Batch& batch, Saved& saved);
  /// `d_hidden` (T, C) is consumed. `layer_done(i)` is called when the gradients of layer i are
  /// complete (after the last micro-batch they may be reduced), finally with -1 for the embedding.
  void backward(Context& ctx, const Batch& batch, const Saved& saved, TensorView d_hidden,
                const std::function<void(std::int64_t)>& layer_done);
  /// Forward of new tokens of one sequence on top of `caches` (one per layer); (T, C) in the arena.
  TensorView forward_cached(Context& ctx, const Batch& batch, std::vector<KvCache>& caches);

  /// Makes room for positions below `positions`. Error{config} when the model's own table of
  /// positions is shorter.
  void reserve_positions(std::int64_t positions);
  const RopeTables& ropes() const { return ropes_; }
  /// Copies masters into the compute values (bf16) and renews what adapters derive from them; after
  /// every optimiser step and after loading.
  void refresh_values(Context& ctx);

  const weights::ModelConfig& config() const { return config_; }
  const family::ModelShape& shape() const { return shape_; }
  const DecoderOptions& options() const { return options_; }
  const family::FamilySpec& family() const { return family_; }
  DType compute() const { return options_.compute; }
  DType stored() const { return options_.stored.value_or(options_.compute); }
  tensor::ParameterTable& parameters() { return parameters_; }
  const Norm& final_norm() const { return final_norm_; }
  const Linear& lm_head() const { return lm_head_; }
  const adapter::Embedding& embedding() const { return embedding_; }
  /// Module names of every Linear in the layers, without their numbers and each once.
  std::vector<std::string> linear_names() const;
  /// Rows that replace those of the head: trained token rows under tied embeddings; else nullptr.
  const adapter::TokenRows* head_rows() const;
  bool trains_head() const;
  std::vector<DecoderLayer>& layers() { return layers_; }
  const std::vector<DecoderLayer>& layers() const { return layers_; }
  /// First element of every layer in the flat buffers of parameters(), in order.
  const std::vector<std::int64_t>& layer_offsets() const { return layer_offsets_; }
  /// What the adapters of different layers share.
  adapter::SharedState& shared() { return shared_; }
  std::int64_t total_parameters() const { return total_parameters_; }
  std::int64_t weight_bytes() const { return weight_bytes_; }
  std::int64_t mapped_bytes() const { return mapped_bytes_; }
  /// How the frozen matrices of the layers lie: "210 nf4", "2 plain, 208 narrow".
  std::string matrix_formats() const;
  /// Every Linear inside the layers, for targets and merging.
  std::vector<Linear*> linears();
  static constexpr std::int64_t kLogitBytes = 24 << 20;  ///< of logits at a time
  std::int64_t loss_rows() const;                        ///< rows of logits at a time

 private:
  void check_shapes(const weights::WeightFile& weights) const;
  void name_modules();
  void name_layer(std::int64_t index);
  void embed(Context& ctx, const Batch& batch, TensorView x) const;
  void attach_training(const weights::WeightFile& weights, FrozenStore& store);
  /// What a Linear's weight is in the file: the embedding, for a tied head.
  const weights::TensorEntry& base_weight(const weights::WeightFile& weights,
                                          const Linear& linear) const;
  quant::MatrixRequest matrix_request(const weights::TensorEntry& entry,
                                      const Linear& linear) const;
  quant::MatrixRequest table_request(const weights::TensorEntry& entry) const;
  void attach_weight(const weights::WeightFile& weights, FrozenStore& store, Linear& linear);
  void attach_embedding(const weights::WeightFile& weights, FrozenStore& store);
  void attach_positions(const weights::WeightFile& weights, FrozenStore& store);
  void attach_adapter(Linear& linear);
  void place_derived();
  void begin_adapters(kernels::Queue& queue);
  void adopt_values();
  tensor::Parameter* add_parameter(const std::string& name, std::vector<std::int64_t> shape,
                                   tensor::Role role);
  void attach_norm(const weights::WeightFile& weights, FrozenStore& store, Norm& norm);
  void initialise_trained(const weights::WeightFile& weights, kernels::Queue& queue);
  bool trains(const std::string& parameter, const std::string& module) const;
  std::vector<RowRange> frozen_rows(const std::string& parameter, std::int64_t rows) const;
  Saved allocate_saved(device::Arena& arena, std::int64_t T) const;
  void follow_context(const Batch& batch);

  weights::ModelConfig config_;
  const family::FamilySpec& family_;
  family::ModelShape shape_;
  DecoderOptions options_;
  const kernels::KernelTable& kernels_;
  tensor::ParameterTable parameters_;
  adapter::SharedState shared_;
  std::vector<DecoderLayer> layers_;
  adapter::Embedding embedding_;
  std::optional<adapter::Embedding> positions_;  ///< learned ones
  bool tied_ = false;  ///< embedding and head are one matrix, trained or not
  Norm final_norm_;
  Linear lm_head_;
  RopeTables ropes_;
  std::vector<std::int64_t> layer_offsets_;
  device::Buffer derived_;                      ///< what adapters derive, of every Linear
  std::optional<device::Arena> refresh_arena_;  ///< of Linear::refresh(), where anything is derived
  std::int64_t total_parameters_ = 0, weight_bytes_ = 0, mapped_bytes_ = 0;
};

}  // namespace axl::model
