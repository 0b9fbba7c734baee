#pragma once
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapter/embedding.hpp"
#include "adapter/peft_config.hpp"
#include "model/blocks/attention.hpp"
#include "model/blocks/mlp.hpp"
#include "model/blocks/norm.hpp"
#include "model/family.hpp"
#include "model/frozen_store.hpp"
#include "tensor/parameters.hpp"
#include "weights/weight_file.hpp"

namespace axl::model {

/// Pre-norm decoder layer: x1 = x + attention(norm(x)); y = x1 + mlp(norm(x1)).
struct DecoderLayer {
  Norm input_norm, post_norm;
  SelfAttention attention;
  SwigluMlp mlp;

  struct Saved {
    TensorView x1;           ///< (T, C), after attention
    TensorView rstd, rstd1;  ///< (T)
    SelfAttention::Saved attention;
    SwigluMlp::Saved mlp;

    /// All but the statistics, which have the accumulator type.
    template <class F>
    void for_each_activation(F&& f) {
      f(x1);
      attention.for_each_activation(f);
      mlp.for_each_activation(f);
    }
  };
  Saved allocate_saved(device::Arena& arena, DType compute, std::int64_t T) const;
  void forward(Context& ctx, const Batch& batch, const RopeTable& rope, TensorView x, TensorView y,
               Saved& saved, std::uint64_t key, KvCache* cache) const;
  /// dy becomes dx in place. `needs_dx` false: nothing below this layer is trained.
  void backward(Context& ctx, const Batch& batch, const RopeTable& rope, TensorView x,
                const Saved& saved, TensorView dy, bool needs_dx) const;
  std::array<Linear*, 7> linears() { return linears_of<Linear>(*this); }
  std::array<const Linear*, 7> linears() const { return linears_of<const Linear>(*this); }

 private:
  template <class L, class Layer>
  static std::array<L*, 7> linears_of(Layer& l) {
    return {&l.attention.q, &l.attention.k, &l.attention.v, &l.attention.o,
            &l.mlp.gate,    &l.mlp.up,      &l.mlp.down};
  }
};

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
  bool gradient_checkpointing = false;
  double embedding_noise = 0;  ///< NEFTune's alpha, in training; 0: none
  std::uint64_t seed = 42;     ///< of new adapter weights
  bool plan_only = false;      ///< nothing is allocated or read: sizes and plan_bytes() only
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

  /// Peak arena bytes of forward + loss + backward of T tokens with at most `labels` of them
  /// trained.
  std::int64_t plan_bytes(std::int64_t T, std::int64_t labels, bool backward) const;

  /// Prepares rotary tables for positions below `positions`.
  void reserve_positions(std::int64_t positions);
  /// Under dynamic scaling the frequencies follow the length of what is computed together, beyond
  /// the length that the model was trained for: keys of another length cannot be used again.
  bool positions_depend_on(std::int64_t length) const;
  /// Copies masters into the compute values (bf16) and renews what adapters derive from them; after
  /// every optimiser step and after loading.
  void refresh_values(Context& ctx);

  const weights::ModelConfig& config() const { return config_; }
  const DecoderOptions& options() const { return options_; }
  const FamilySpec& family() const { return family_; }
  DType compute() const { return options_.compute; }
  DType stored() const { return options_.stored.value_or(options_.compute); }
  tensor::ParameterTable& parameters() { return parameters_; }
  const Norm& final_norm() const { return final_norm_; }
  const Linear& lm_head() const { return lm_head_; }
  const adapter::Embedding& embedding() const { return embedding_; }
  /// Rows that replace those of the head: trained token rows under tied embeddings; else nullptr.
  const adapter::TokenRows* head_rows() const;
  bool trains_head() const;
  std::vector<DecoderLayer>& layers() { return layers_; }
  const std::vector<DecoderLayer>& layers() const { return layers_; }
  /// First element of every layer in the flat buffers of parameters(), in order.
  const std::vector<std::int64_t>& layer_offsets() const { return layer_offsets_; }
  std::int64_t total_parameters() const { return total_parameters_; }
  std::int64_t weight_bytes() const { return weight_bytes_; }
  std::int64_t mapped_bytes() const { return mapped_bytes_; }
  /// Every Linear inside the layers, for targets and merging.
  std::vector<Linear*> linears();
  static constexpr std::int64_t kLogitBytes = 24 << 20;  ///< of logits at a time
  std::int64_t loss_rows() const;                        ///< rows of logits at a time

 private:
  void check_shapes(const weights::WeightFile& weights) const;
  void name_modules();
  void attach_training(const weights::WeightFile& weights, FrozenStore& store);
  /// What a Linear's weight is in the file: the embedding, for a tied head.
  const weights::TensorEntry& base_weight(const weights::WeightFile& weights,
                                          const Linear& linear) const;
  void attach_weight(const weights::WeightFile& weights, FrozenStore& store, Linear& linear);
  void attach_embedding(const weights::WeightFile& weights, FrozenStore& store);
  void attach_lora(Linear& linear);
  void initialise_magnitudes(const weights::WeightFile& weights);
  tensor::Parameter* add_parameter(const std::string& name, std::vector<std::int64_t> shape,
                                   tensor::Role role);
  void attach_norm(const weights::WeightFile& weights, FrozenStore& store, Norm& norm);
  void initialise_trained(const weights::WeightFile& weights);
  bool trains(const std::string& parameter, const std::string& module) const;
  std::vector<RowRange> frozen_rows(const std::string& parameter, std::int64_t rows) const;
  Saved allocate_saved(device::Arena& arena, std::int64_t T) const;
  void follow_context(const Batch& batch);

  weights::ModelConfig config_;
  const FamilySpec& family_;
  DecoderOptions options_;
  const kernels::KernelTable& kernels_;
  tensor::ParameterTable parameters_;
  std::vector<DecoderLayer> layers_;
  adapter::Embedding embedding_;
  bool tied_ = false;  ///< embedding and head are one matrix, trained or not
  Norm final_norm_;
  Linear lm_head_;
  RopeTable rope_;
  std::vector<std::int64_t> layer_offsets_;
  device::Buffer magnitudes_;                   ///< what DoRA derives, of every Linear
  std::optional<device::Arena> refresh_arena_;  ///< of Linear::refresh(), where there is DoRA
  std::int64_t total_parameters_ = 0, weight_bytes_ = 0, mapped_bytes_ = 0;
};

}  // namespace axl::model
