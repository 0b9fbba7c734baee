#include "config/readers.hpp"
#include "config/schema.hpp"

namespace axl::config {

ConfigSection adapter_section() {
  using enum Kind;
  ConfigSection s{
      "Adapter",
      {
          key("adapter", &Config::adapter,
              "lora; qlora, which is LoRA over a base in 4 bits; or empty for a full fine-tune.")
              .read_by(&read_adapter),
          key("load_in_4bit", &Config::load_in_4bit,
              "The frozen matrices of the layers are brought into bitsandbytes' 4 bits when the "
              "model is loaded (docs/quantisation.md)."),
          key("bnb_config_kwargs", &Config::bnb_4bit_quant_type,
              "How: bnb_4bit_quant_type (nf4, fp4), bnb_4bit_use_double_quant (true), "
              "bnb_4bit_blocksize (64).")
              .of_kind(Kind::map)
              .derived("nf4, double quantisation, blocks of 64")
              .read_by(&read_bnb_config),
          key("lora_model_dir", &Config::lora_model_dir,
              "Folder of an adapter to go on from, or to merge."),
          key("lora_r", &Config::lora_r, "Rank of the adapter's matrices (LoRA, VeRA).")
              .at_least(1)
              .at_most(65536),
          key("lora_alpha", &Config::lora_alpha, "Scale: the adapter counts alpha / r times.")
              .more_than(0)
              .is_whole(),
          key("lora_dropout", &Config::lora_dropout,
              "Probability with which an input of the adapter is zeroed in training.")
              .at_least(0)
              .at_most(1),
          key("lora_target_modules", &Config::lora_target_modules,
              "Linear layers that get an adapter: a list of name endings such as q_proj, or one "
              "regular expression for the whole name.")
              .read_by(&read_target_modules),
          key("lora_target_linear", &Config::lora_target_linear,
              "Every linear layer but the output embedding gets an adapter."),
          key("lora_modules_to_save", &Config::lora_modules_to_save,
              "Modules trained in full and stored with the adapter: embed_tokens, lm_head."),
          key("peft_use_rslora", &Config::peft_use_rslora,
              "Rank-stabilised scale: alpha / sqrt(r)."),
          key("peft_use_dora", &Config::peft_use_dora,
              "DoRA: a trained magnitude for every output of a layer with an adapter."),
          key("ia3_feedforward_modules", &Config::ia3_feedforward_modules,
              "With adapter: ia3, those of the adapted layers whose input is scaled, not their "
              "output.")
              .derived("the layer that ends an MLP, where it is adapted"),
          key("vera_d_initial", &Config::vera_d_initial,
              "With adapter: vera, what the scales between the two shared matrices begin as."),
          key("vera_projection_prng_key", &Config::vera_projection_prng_key,
              "With adapter: vera, the seed of the shared matrices.")
              .at_least(0)
              .at_most(4294967295),
          key("vera_save_projection", &Config::vera_save_projection,
              "With adapter: vera, whether the shared matrices are written into the adapter."),
          key("peft_trainable_token_indices", &Config::peft_trainable_token_indices,
              "Token ids whose rows of the input embedding are trained and stored with the "
              "adapter, such as added tokens; with tied embeddings the output head has them too.")
              .read_by(&read_token_indices),
          key("peft_layers_to_transform", &Config::peft_layers_to_transform,
              "Numbers of the layers that get an adapter, from 0.")
              .derived("all layers"),
          key("lora_rank_pattern", &Config::lora_rank_pattern,
              "Map from a pattern of module names to a rank of its own.")
              .at_least(1),
          key("lora_alpha_pattern", &Config::lora_alpha_pattern,
              "Map from a pattern of module names to an alpha of its own.")
              .more_than(0),
          key("unfrozen_parameters", &Config::unfrozen_parameters,
              "Regular expressions: in a full fine-tune only parameters whose name begins with a "
              "match are trained; [a:b] behind one limits that to those rows."),
      }};
  add(s.keys, Action::notice,
      {{"lora_mlp_kernel", boolean},
       {"lora_qkv_kernel", boolean},
       {"lora_o_kernel", boolean},
       {"lora_embedding_kernel", boolean}},
      "the LoRA kernels are always the fused ones");
  add(s.keys, Action::notice,
      {{"lora_on_cpu", boolean},
       {"merge_lora", boolean},
       {"merge_method", text, {"legacy", "memory_efficient"}},
       {"qlora_sharded_model_loading", boolean}},
      "merging is a command of its own: axolotl-hpc merge");
  add(s.keys, Action::notice, {{"peft_autocast_adapter_dtype", boolean}},
      "adapter weights are kept in f32");
  add(s.keys, Action::later, {{"load_in_8bit", boolean}},
      "an 8-bit base is not supported yet; set load_in_8bit: false, or take a Q8_0 GGUF file as "
      "base_model");
  add(s.keys, Action::notice, {{"peft", map}}, "only has an effect with a quantised base");
  add(s.keys, Action::later, {{"gptq", boolean}},
      "GPTQ checkpoints are not supported yet; use the original checkpoint or a GGUF file");
  add(s.keys, Action::later, {{"lora_target_parameters", text_or_list}},
      "adapters on expert tensors are not supported yet");
  add(s.keys, Action::later, {{"lora_fan_in_fan_out", boolean}},
      "GPT-2's transposed layers are not supported yet");
  add(s.keys, Action::later, {{"peft_layers_pattern", text_list}},
      "layer patterns are not supported yet; name the layers in peft_layers_to_transform");
  add(s.keys, Action::later, {{"peft_layer_replication", any}},
      "replicating layers is not supported yet");
  add(s.keys, Action::later, {{"peft_init_lora_weights", boolean_or_text}},
      "other starting values of LoRA are not supported yet; leave the key out for PEFT's default");
  add(s.keys, Action::later, {{"peft_ensure_weight_tying", boolean}},
      "tying of saved modules is not supported yet: with tied embeddings lora_modules_to_save: "
      "[embed_tokens] trains both ends");
  add(s.keys, Action::later, {{"relora", boolean}},
      "ReLoRA is not supported yet; use adapter: lora without relora");
  add(s.keys, Action::notice,
      {{"relora_prune_ratio", number},
       {"relora_prune_method", text, {"magnitude", "random", "reset"}},
       {"relora_cpu_offload", boolean}},
      "only has an effect with relora");
  declared(s.keys, "peft").fields = {{"loftq_config", map}};
  declared(s.keys, "peft").fields[0].fields = {{"loftq_bits", integer, {}, 1, 16}};
  declared(s.keys, "peft_init_lora_weights").harmless = "true";
  bound(s.keys, {"relora_prune_ratio"}, 0, 1);
  return s;
}

ConfigSection batch_section() {
  using enum Kind;
  ConfigSection s{
      "Batch and length of training",
      {
          key("micro_batch_size", &Config::micro_batch_size, "Rows a rank computes at once.")
              .at_least(1)
              .at_most(1 << 20),
          key("gradient_accumulation_steps", &Config::gradient_accumulation_steps,
              "Micro-batches whose gradients are added before the optimiser steps.")
              .at_least(1)
              .at_most(1 << 20)
              .derived("batch_size / micro_batch_size, else 1"),
          key("batch_size", &Config::batch_size,
              "Rows a rank computes a step; another way to give gradient_accumulation_steps.")
              .at_least(1)
              .derived("micro_batch_size x gradient_accumulation_steps"),
          key("eval_batch_size", &Config::eval_batch_size, "Rows a rank evaluates at once.")
              .at_least(1)
              .at_most(1 << 20)
              .derived("micro_batch_size"),
          key("num_epochs", &Config::num_epochs, "Passes over the data; may be a fraction.")
              .more_than(0)
              .at_most(1e6),
          key("max_steps", &Config::max_steps, "Stop after so many optimiser steps.")
              .at_least(1)
              .derived("no limit"),
          key("seed", &Config::seed, "Seed of everything random.").at_least(0),
      }};
  add(s.keys, Action::later, {{"auto_find_batch_size", boolean}},
      "searching the batch size is not supported yet; axolotl-hpc plan shows the memory a "
      "configuration needs");
  return s;
}

ConfigSection optimizer_section() {
  using enum Kind;
  ConfigSection s{
      "Optimiser and schedule",
      {
          key("learning_rate", &Config::learning_rate, "Highest learning rate.")
              .at_least(0)
              .at_most(1e3)
              .is_required(),
          key("optimizer", &Config::optimizer,
              "AdamW, under any of its Axolotl names, with 8-bit states under those of "
              "bitsandbytes "
              "and torchao's 8-bit ones; SGD; Adafactor. docs/optimizers.md says what each keeps.")
              .one_of(optimizer_names())
              .read_by(&read_optimizer),
          key("optim_args", &Config::optim_args,
              "Arguments of the optimiser, a map or \"name=value,name=value\". sgd: momentum, "
              "dampening, nesterov. adafactor: scale_parameter, relative_step, warmup_init, beta1, "
              "eps (one number or two), clip_threshold, decay_rate.")
              .of_kind(Kind::text_or_map)
              .read_by(&read_optim_args),
          key("lr_scheduler", &Config::lr_scheduler, "Course of the learning rate after warm-up.")
              .one_of({"cosine", "linear", "constant", "constant_with_warmup"})
              .read_by(&read_scheduler),
          key("warmup_steps", &Config::warmup_steps,
              "Steps in which the learning rate rises from 0.")
              .at_least(0)
              .derived("3 % of all steps, at most 100"),
          key("warmup_ratio", &Config::warmup_ratio, "The same as a share of all steps.")
              .at_least(0)
              .at_most(1),
          key("cosine_min_lr_ratio", &Config::cosine_min_lr_ratio,
              "Lowest learning rate of the cosine, as a share of the highest.")
              .at_least(0)
              .at_most(1),
          key("cosine_constant_lr_ratio", &Config::cosine_constant_lr_ratio,
              "Share of the steps after which the cosine stays at its lowest.")
              .at_least(0)
              .at_most(1),
          key("weight_decay", &Config::weight_decay,
              "Weight decay, decoupled but for sgd; biases and norms have none.")
              .at_least(0)
              .at_most(1e3),
          key("adam_beta1", &Config::adam_beta1, "Decay of AdamW's mean of gradients.")
              .at_least(0)
              .at_most(0.999999999),
          key("adam_beta2", &Config::adam_beta2, "Decay of AdamW's mean of squared gradients.")
              .at_least(0)
              .at_most(0.999999999),
          key("adam_epsilon", &Config::adam_epsilon, "AdamW's addend to the denominator.")
              .more_than(0)
              .at_most(1),
          key("max_grad_norm", &Config::max_grad_norm,
              "Gradients longer than this (2-norm over all) are scaled down; 0 turns it off.")
              .at_least(0),
          key("loraplus_lr_ratio", &Config::loraplus_lr_ratio,
              "LoRA+: learning rate of the B matrices over that of the A matrices. Nothing has "
              "weight decay then, as in PEFT.")
              .more_than(0),
          key("loraplus_lr_embedding", &Config::loraplus_lr_embedding,
              "LoRA+: learning rate of the adapter of an embedding. PEFT has a default of 1e-6 and "
              "never uses it.")
              .at_least(0)
              .derived("learning_rate"),
          key("embedding_lr", &Config::embedding_lr,
              "Learning rate of all that is trained of embed_tokens and lm_head, and of the "
              "modules in "
              "lora_modules_to_save; they have no weight decay then. 0 counts as not given.")
              .at_least(0),
          key("embedding_lr_scale", &Config::embedding_lr_scale,
              "The same as a factor of learning_rate; it wins over embedding_lr.")
              .at_least(0),
          key("neftune_noise_alpha", &Config::neftune_noise_alpha,
              "NEFTune: in training, uniform noise of at most alpha / sqrt(L C) is added to the "
              "embeddings of a row of L tokens and C channels; 5 to 15 are usual. L is the row's "
              "own length, packed or not.")
              .more_than(0),
          alias("noisy_embedding_alpha", "neftune_noise_alpha"),
      }};
  add(s.keys, Action::notice, {{"lr_div_factor", number}, {"torchdistx_path", text}},
      "not read by Axolotl either");
  add(s.keys, Action::later, {{"lr_scheduler_kwargs", map}, {"lr_quadratic_warmup", boolean}},
      "variants of the schedules are not supported yet; cosine_min_lr_ratio and "
      "cosine_constant_lr_ratio are");
  add(s.keys, Action::later, {{"lr_groups", map_list}},
      "learning rates by parameter group are not supported yet; loraplus_lr_ratio, embedding_lr "
      "and embedding_lr_scale are");
  add(s.keys, Action::later, {{"jagged_restart_steps", integer}},
      "restarts of the schedule are not supported yet");
  add(s.keys, Action::notice,
      {{"jagged_restart_warmup_steps", integer}, {"jagged_restart_anneal_steps", integer}},
      "only has an effect with jagged_restart_steps");
  add(s.keys, Action::notice,
      {{"optim_target_modules", text_or_list, {"all_linear"}},
       {"adam_beta3", number},
       {"adam_epsilon2", number},
       {"dion_lr", number},
       {"dion_momentum", number},
       {"dion_rank_fraction", number},
       {"dion_rank_multiple_of", integer},
       {"qgalore_rank", integer},
       {"qgalore_update_proj_gap", integer},
       {"qgalore_scale", number},
       {"qgalore_proj_type", text},
       {"qgalore_proj_quant", boolean},
       {"qgalore_proj_bits", integer},
       {"qgalore_proj_group_size", integer},
       {"qgalore_cos_threshold", number},
       {"qgalore_gamma_proj", integer},
       {"qgalore_queue_size", integer},
       {"lisa_layers_attribute", text},
       {"lisa_step_interval", integer}},
      "only has an effect with an optimiser that is not supported");
  add(s.keys, Action::later, {{"lisa_n_layers", integer}},
      "LISA is not supported yet; unfrozen_parameters chooses what is trained");
  declared(s.keys, "lr_groups").fields = {
      {.name = "name", .kind = text, .needed = true},
      {.name = "modules", .kind = text_list, .needed = true},
      {.name = "lr", .kind = number, .minimum = 0, .needed = true}};
  bound(s.keys, {"dion_lr", "adam_epsilon2"}, 0);
  bound(s.keys, {"adam_beta3", "dion_momentum", "dion_rank_fraction"}, 0, 1);
  bound(s.keys,
        {"jagged_restart_steps", "lisa_n_layers", "lisa_step_interval", "dion_rank_multiple_of"},
        1);
  bound(s.keys, {"jagged_restart_warmup_steps", "jagged_restart_anneal_steps"}, 0);
  return s;
}

ConfigSection precision_section() {
  using enum Kind;
  ConfigSection s{
      "Precision, memory and kernels",
      {
          key("bf16", &Config::bf16,
              "auto, true, full or false. Weights and activations in bf16, sums in f32; auto is "
              "true where the processor computes in bf16, else f32 is used.")
              .one_of({"auto", "true", "false", "full"})
              .read_by(&read_bf16),
          key("gradient_checkpointing", &Config::gradient_checkpointing,
              "Keep only each layer's input and compute the rest again in the backward pass: less "
              "memory, about a third more time.")
              .read_by(&read_gradient_checkpointing)
              .of_kind(Kind::any),
      }};
  const auto reads = [&s](std::string_view name, std::string_view doc, ConfigKey::Reader reader) {
    ConfigKey k = plain_key<Config>(name, Action::implement, doc);
    k.kind = Kind::boolean;
    k.reader = reader;
    k.default_note = "false";
    s.keys.push_back(std::move(k));
  };
  reads("bfloat16", "true: the same as bf16: true.", &read_bfloat16);
  reads("float32", "true: the same as bf16: false.", &read_float32);
  reads("fp16", "Only false: f16 needs loss scaling on a GPU; use bf16.", &read_float16);
  reads("float16", "Only false: f16 needs loss scaling on a GPU; use bf16.", &read_float16);
  ConfigKey attention = plain_key<Config>(
      "attn_implementation", Action::implement,
      "Accepted for every name that Axolotl knows; attention is always exact and always keeps "
      "packed samples apart.");
  attention.kind = Kind::text;
  attention.reader = &read_attention;
  attention.default_note = "the built-in kernel";
  s.keys.push_back(std::move(attention));
  s.keys.push_back(alias("flash_attention", "attn_implementation", "flash_attention_2"));
  s.keys.push_back(alias("sdp_attention", "attn_implementation", "sdpa"));
  s.keys.push_back(alias("xformers_attention", "attn_implementation", "xformers"));
  s.keys.push_back(alias("flex_attention", "attn_implementation", "flex_attention"));
  s.keys.push_back(alias("sage_attention", "attn_implementation", "sage"));
  s.keys.push_back(alias("eager_attention", "attn_implementation", "eager"));
  add(s.keys, Action::notice, {{"tf32", boolean_or_word, {"auto"}}},
      "TF32 is a format of NVIDIA's GPUs; here f32 is f32");
  add(s.keys, Action::notice, {{"gradient_checkpointing_kwargs", map}},
      "checkpointing is built into each block's backward pass");
  add(s.keys, Action::notice,
      {{"activation_offloading", boolean_or_word, {"legacy", "disk", "hidden_states"}},
       {"layer_offloading", boolean}},
      "there is no GPU memory to move data out of");
  add(s.keys, Action::notice, {{"selective_checkpointing", boolean_or_map}},
      "what is kept cannot change the result; gradient_checkpointing alone counts");
  add(s.keys, Action::notice,
      {{"flash_attn_cross_entropy", boolean},
       {"flash_attn_fuse_mlp", boolean},
       {"flash_optimum", boolean},
       {"flex_attn_compile_kwargs", map},
       {"sdpa_varlen", boolean},
       {"large_head_attention", text, {"auto", "sdpa", "triton_flash"}},
       {"flash_attn_d512", boolean},
       {"fused_attn_kernel", boolean},
       {"chunked_cross_entropy", boolean},
       {"chunked_cross_entropy_num_chunks", integer},
       {"tiled_mlp", boolean},
       {"tiled_mlp_num_shards", integer},
       {"tiled_mlp_use_original_mlp", boolean}},
      "a choice among PyTorch's kernels; ours are fused");
  add(s.keys, Action::notice,
      {{"torch_compile", boolean_or_word, {"auto"}},
       {"torch_compile_backend", text},
       {"torch_compile_mode", text, {"default", "reduce-overhead", "max-autotune"}},
       {"torch_compile_options", map},
       {"deepcompile", boolean},
       {"gc_steps", integer},
       {"gc_collect_steps", integer},
       {"torch_empty_cache_steps", integer}},
      "concerns PyTorch");
  add(s.keys, Action::later,
      {{"scaling_softmax", boolean},
       {"scaling_softmax_factor", number},
       {"scaling_softmax_bias", number}},
      "scalable softmax is not supported");
  add(s.keys, Action::later, {{"use_eaft", boolean}}, "the entropy-weighted loss is not supported");
  add(s.keys, Action::notice, {{"eaft_alpha", number}, {"eaft_k", integer}},
      "only has an effect with use_eaft");
  add(s.keys, Action::notice, {{"fp8_config", map}}, "only has an effect with fp8");
  add(s.keys, Action::notice, {{"ple_cpu_offload", boolean}},
      "there is no GPU memory to move data out of");
  add(s.keys, Action::later, {{"fp8", boolean}, {"fp8_enable_fsdp_float8_all_gather", boolean}},
      "FP8 is not supported yet; use bf16");
  add(s.keys, Action::later, {{"qat", map}}, "quantisation-aware training is not supported");
  add(s.keys, Action::notice, {{"quantization", map}},
      "quantising is a step after training: axolotl-hpc export");
  declared(s.keys, "qat").fields = quantization_fields();
  declared(s.keys, "quantization").fields = quantization_fields();
  declared(s.keys, "selective_checkpointing").fields = {{"save", text_list},
                                                        {"save_sliding_window", boolean},
                                                        {"recompute_layer_types", text_list},
                                                        {"offload", boolean}};
  return s;
}

}  // namespace axl::config
