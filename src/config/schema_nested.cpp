#include "config/schema.hpp"

// The maps that Axolotl declares key by key. A key that is not listed here is dropped there without
// a word, so it is told.
namespace axl::config {

using enum Kind;

std::vector<Field> fsdp_fields() {
  static const std::vector<std::string_view> states{"FULL_STATE_DICT", "LOCAL_STATE_DICT",
                                                    "SHARDED_STATE_DICT"};
  return {{"version", integer, {}, 1, 2},
          {"fsdp_version", integer, {}, 1, 2},
          {"activation_checkpointing", boolean},
          {"offload_params", boolean},
          {"sync_module_states", boolean},
          {"cpu_ram_efficient_loading", boolean},
          {"cpu_offload_pin_memory", boolean},
          {"use_orig_params", boolean},
          {"state_dict_type", text, states},
          {"final_state_dict_type", text, states},
          {"auto_wrap_policy", text, {"TRANSFORMER_BASED_WRAP", "SIZE_BASED_WRAP"}},
          {"transformer_layer_cls_to_wrap", text},
          {"min_num_params", integer, {}, 1},
          {"reshard_after_forward", boolean},
          {"mixed_precision_policy", text}};
}

std::vector<Field> trl_fields() {
  return {{"beta", number},
          {"max_completion_length", integer, {}, 1},
          {"use_vllm", boolean},
          {"vllm_mode", text, {"server", "colocate"}},
          {"vllm_server_host", text},
          {"vllm_server_port", integer, {}, 1, 65535},
          {"vllm_server_timeout", integer, {}, 0},
          {"vllm_guided_decoding_regex", text},
          {"vllm_enable_sleep_mode", boolean},
          {"vllm_sync_interval", integer, {}, 1},
          {"vllm_importance_sampling_correction", boolean},
          {"vllm_importance_sampling_mode", text},
          {"vllm_importance_sampling_cap", number},
          {"vllm_lora_sync", boolean},
          {"reward_funcs", text_list},
          {"reward_weights", number_list},
          {"reward_num_workers", integer, {}, 1},
          {"generation_batch_size", integer, {}, 1},
          {"num_generations", integer, {}, 1},
          {"log_completions", boolean},
          {"num_completions_to_print", integer, {}, 0},
          {"importance_sampling_level", text, {"sequence", "token"}},
          {"sync_ref_model", boolean},
          {"ref_model_mixup_alpha", number},
          {"ref_model_sync_steps", integer, {}, 1},
          {"scale_rewards", boolean},
          {"temperature", number, {}, 0},
          {"top_p", number, {}, 0, 1},
          {"top_k", integer},
          {"min_p", number, {}, 0, 1},
          {"repetition_penalty", number},
          {"generation_kwargs", map},
          {"chat_template_kwargs", map},
          {"num_iterations", integer, {}, 1},
          {"epsilon", number, {}, 0},
          {"epsilon_high", number, {}, 0},
          {"use_liger_loss", boolean},
          {"loss_type", text},
          {"mask_truncated_completions", boolean},
          {"rollout_func", text},
          {"multi_objective_aggregation", text, {"sum_then_normalize", "normalize_then_sum"}},
          {"use_data_producer", boolean},
          {"async_prefetch", boolean},
          {"prefetch_depth", integer, {}, 1},
          {"streaming_partial_batch", boolean},
          {"streaming_min_groups", integer, {}, 1},
          {"off_policy_mask_threshold", number},
          {"use_bias_correction_kl", boolean},
          {"replay_buffer_size", integer, {}, 0},
          {"replay_recompute_logps", boolean},
          {"reroll_start_fraction", number, {}, 0, 1},
          {"reroll_max_groups", integer, {}, 0},
          {"skip_zero_advantage_batches", boolean}};
}

std::vector<Field> vllm_fields() {
  return {{"device", text},
          {"tensor_parallel_size", integer, {}, 1},
          {"data_parallel_size", integer, {}, 1},
          {"gpu_memory_utilization", number, {}, 0, 1},
          {"dtype", text},
          {"max_model_len", integer, {}, 1},
          {"enable_prefix_caching", boolean},
          {"host", text},
          {"port", integer, {}, 1, 65535},
          {"enable_reasoning", boolean},
          {"reasoning_parser", text},
          {"enforce_eager", boolean},
          {"serve_module", text},
          {"worker_extension_cls", text}};
}

std::vector<Field> ebft_fields() {
  return {{"feature_layers", number_list},
          {"embed_method", text, {"last_token", "mean_pooling", "completion_mean", "concat"}},
          {"use_whitening", boolean},
          {"alignment_coef", number},
          {"diversity_coef", number},
          {"ce_coef", number},
          {"adaptive_max_tokens", boolean},
          {"gt_length_multiplier", number},
          {"mode", text, {"structured", "strided"}},
          {"stride", integer, {}, 1},
          {"context_length", integer, {}, 1},
          {"generate_max_len", integer, {}, 1},
          {"n_samples_per_prompt", integer, {}, 1},
          {"temperature", number, {}, 0},
          {"top_p", number, {}, 0, 1},
          {"rl_coef", number},
          {"advantage_estimator", text, {"rloo", "group_norm", "reinforce"}},
          {"min_completion_prefix", integer, {}, 0}};
}

std::vector<Field> quantization_fields() {
  static const std::vector<std::string_view> types{"int4",   "int8",  "float8_e4m3fn", "fp8",
                                                   "float8", "nvfp4", "mxfp4"};
  return {{"activation_dtype", text, types},
          {"weight_dtype", text, types},
          {"quantize_embedding", boolean},
          {"group_size", integer, {}, 1},
          {"fake_quant_after_n_steps", integer, {}, 0}};
}

}  // namespace axl::config
