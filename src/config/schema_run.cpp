#include "config/readers.hpp"
#include "config/schema.hpp"

namespace axl::config {

ConfigSection output_section() {
  using enum Kind;
  ConfigSection s{
      "Output, checkpoints and evaluation",
      {
          key("output_dir", &Config::output_dir, "Folder of the results."),
          key("logging_steps", &Config::logging_steps, "Steps between two lines of metrics.")
              .at_least(1)
              .derived("0.5 % of all steps, 1 to 10"),
          key("save_steps", &Config::save_steps,
              "Steps between two checkpoints; below 1 a share of all steps.")
              .read_by(&read_steps)
              .of_kind(Kind::number),
          key("saves_per_epoch", &Config::saves_per_epoch, "Checkpoints an epoch.").at_least(0),
          key("save_strategy", &Config::save_strategy,
              "When checkpoints are written: no, steps, epoch.")
              .one_of({"no", "steps", "epoch", "best"})
              .derived("steps with save_steps or saves_per_epoch, else epoch"),
          key("save_total_limit", &Config::save_total_limit,
              "Checkpoints that are kept; older ones are deleted.")
              .at_least(1),
          key("save_first_step", &Config::save_first_step, "Write a checkpoint after step 1."),
          key("save_only_model", &Config::save_only_model,
              "Checkpoints hold the weights only, so that nothing can be resumed from them."),
          key("resume_from_checkpoint", &Config::resume_from_checkpoint,
              "Checkpoint folder to go on from; true: the newest one in output_dir, which must "
              "have "
              "one.")
              .read_by(&read_resume),
          key("auto_resume_from_checkpoints", &Config::auto_resume_from_checkpoints,
              "Go on from the newest complete checkpoint in output_dir, if there is one."),
          key("allow_changed", &Config::allow_changed,
              "Keys that may differ from those of the checkpoint that a run goes on from, although "
              "its numbers then mean something else. Not in Axolotl"),
          key("eval_steps", &Config::eval_steps,
              "Steps between two evaluations; below 1 a share of all steps.")
              .read_by(&read_steps)
              .of_kind(Kind::number),
          key("evals_per_epoch", &Config::evals_per_epoch, "Evaluations an epoch.").at_least(0),
          key("eval_strategy", &Config::eval_strategy,
              "When evaluation runs: no, steps, epoch. Unless it is no, also before the first and "
              "after the last step.")
              .one_of({"no", "steps", "epoch"})
              .derived(
                  "steps with eval_steps or evals_per_epoch, epoch with evaluation rows alone, "
                  "else no"),
          alias("evaluation_strategy", "eval_strategy"),
          key("early_stopping_patience", &Config::early_stopping_patience,
              "Stop after so many evaluations in a row without a lower loss than the best; the one "
              "before the first step does not count. The result is then the checkpoint with the "
              "lowest "
              "loss, which save_total_limit never deletes.")
              .at_least(1),
          key("loss_normalization", &Config::loss_normalization,
              "How a step's loss is averaged. global_tokens: over all label tokens of the global "
              "batch, whatever the split. axolotl: over each micro-batch first, then over "
              "micro-batches and ranks, as Axolotl does, and likewise in evaluation.")
              .one_of({"global_tokens", "axolotl"}),
          key("loss_watchdog_threshold", &Config::loss_watchdog_threshold,
              "Stop with an error when the loss stays above this.")
              .more_than(0),
          key("loss_watchdog_patience", &Config::loss_watchdog_patience,
              "Steps in a row that it may stay above.")
              .at_least(1),
      }};
  ConfigKey safetensors =
      plain_key<Config>("save_safetensors", Action::implement,
                        "Only true: weights are always written as safetensors.");
  safetensors.kind = Kind::boolean;
  safetensors.reader = &read_safetensors;
  safetensors.default_note = "true";
  s.keys.push_back(std::move(safetensors));
  add(s.keys, Action::notice, {{"include_tokens_per_second", boolean}, {"include_tkps", boolean}},
      "tokens a second are always recorded");
  add(s.keys, Action::later, {{"do_bench_eval", boolean}},
      "the MMLU hook is not supported; give test_datasets");
  add(s.keys, Action::notice, {{"bench_dataset", text}, {"bench_split", text}},
      "only has an effect with do_bench_eval");
  add(s.keys, Action::later, {{"do_causal_lm_eval", boolean}},
      "metrics of generated text are not supported yet; the evaluation loss is");
  add(s.keys, Action::notice,
      {{"eval_causal_lm_metrics", text_list},
       {"eval_table_size", integer},
       {"eval_max_new_tokens", integer},
       {"num_generation_samples", integer},
       {"generation_max_new_tokens", integer},
       {"generation_temperature", number},
       {"generation_top_p", number},
       {"generation_top_k", integer},
       {"generation_prompt_ratio", number},
       {"generation_do_sample", boolean},
       {"generate_samples", boolean}},
      "samples of generated text are not printed during training; see axolotl-hpc inference");
  bound(s.keys, {"num_generation_samples", "eval_table_size"}, 0);
  bound(s.keys, {"generation_max_new_tokens", "eval_max_new_tokens"}, 1);
  bound(s.keys, {"generation_temperature", "generation_top_k"}, 0);
  bound(s.keys, {"generation_top_p", "generation_prompt_ratio"}, 0, 1);
  add(s.keys, Action::later, {{"load_best_model_at_end", boolean}, {"metric_for_best_model", text}},
      "keeping the best checkpoint is not supported yet; all metrics are in metrics.jsonl");
  add(s.keys, Action::notice, {{"greater_is_better", boolean}},
      "only has an effect with metric_for_best_model");
  add(s.keys, Action::later, {{"dynamic_checkpoint", map}},
      "checkpoints by a trigger file are not supported yet; send SIGUSR1");
  declared(s.keys, "dynamic_checkpoint").fields = {
      {"enabled", boolean}, {"check_interval", integer, {}, 1}, {"trigger_file_path", text}};
  add(s.keys, Action::notice,
      {{"hub_model_id", text}, {"hub_strategy", text}, {"hub_revision", text}},
      "nothing is uploaded");
  return s;
}

ConfigSection distributed_section() {
  using enum Kind;
  ConfigSection s{"Ranks", {}};
  for (const std::string_view name : {"tensor_parallel_size", "context_parallel_size"}) {
    ConfigKey k =
        plain_key<Config>(name, Action::implement, "Only 1: the ranks are data parallel.");
    k.kind = Kind::integer;
    k.reader = &read_parallel_size;
    k.default_note = "1";
    s.keys.push_back(std::move(k));
  }
  s.keys.push_back(alias("sequence_parallel_degree", "context_parallel_size"));
  ConfigKey expert = plain_key<Config>("expert_parallel_size", Action::implement,
                                       "Only 1: mixture-of-experts models are not supported yet.");
  expert.kind = Kind::integer;
  expert.reader = &read_parallel_size;
  expert.default_note = "1";
  s.keys.push_back(std::move(expert));
  add(s.keys, Action::notice,
      {{"fsdp", text_list},
       {"fsdp_config", map},
       {"fsdp_version", integer, {}, 1, 2},
       {"fsdp_final_state_dict_type",
        text,
        {"FULL_STATE_DICT", "LOCAL_STATE_DICT", "SHARDED_STATE_DICT"}},
       {"dp_shard_size", integer, {}, 1},
       {"dp_replicate_size", integer, {}, 1},
       {"deepspeed", text_or_map}},
      "every rank keeps the whole model; sharding saves memory and does not change the result");
  ConfigKey& fsdp = declared(s.keys, "fsdp_config");
  fsdp.fields = fsdp_fields();
  fsdp.old_prefix = "fsdp_";
  add(s.keys, Action::notice, {{"fp32_norms", boolean}, {"fp32_norm_classes", text_list}},
      "norms are always computed in f32");
  add(s.keys, Action::notice,
      {{"heads_k_stride", integer},
       {"ring_attn_func", text, {"varlen_llama3", "batch_ring"}},
       {"expert_parallel_backend", text, {"deep_ep"}},
       {"ddp", boolean},
       {"ddp_timeout", integer},
       {"ddp_bucket_cap_mb", integer},
       {"ddp_broadcast_buffers", boolean},
       {"ddp_find_unused_parameters", boolean},
       {"world_size", integer},
       {"local_rank", integer},
       {"accelerator_config", map}},
      "ranks come from mpirun or srun, and communication is MPI's");
  bound(s.keys, {"heads_k_stride", "ddp_timeout", "ddp_bucket_cap_mb", "world_size"}, 1);
  bound(s.keys, {"local_rank"}, -1);
  add(s.keys, Action::later, {{"use_ray", boolean}},
      "ranks are started by mpirun or srun, not by Ray; leave it out");
  add(s.keys, Action::notice,
      {{"ray_run_name", text}, {"ray_num_workers", integer}, {"resources_per_worker", map}},
      "only has an effect with Ray; ranks are started by mpirun or srun");
  bound(s.keys, {"ray_num_workers"}, 1);
  return s;
}

ConfigSection tracking_section() {
  using enum Kind;
  ConfigSection s{"Records",
                  {key("use_tensorboard", &Config::use_tensorboard,
                       "Write TensorBoard event files to output_dir.")}};
  add(s.keys, Action::notice,
      {{"use_wandb", boolean},
       {"wandb_project", text},
       {"wandb_entity", text},
       {"wandb_name", text},
       {"wandb_run_id", text},
       {"wandb_mode", text},
       {"wandb_watch", text},
       {"wandb_log_model", text},
       {"use_mlflow", boolean},
       {"mlflow_tracking_uri", text},
       {"mlflow_experiment_name", text},
       {"mlflow_run_name", text},
       {"hf_mlflow_log_artifacts", boolean},
       {"use_comet", boolean},
       {"comet_api_key", text},
       {"comet_workspace", text},
       {"comet_project_name", text},
       {"comet_experiment_key", text},
       {"comet_mode", text},
       {"comet_online", boolean},
       {"comet_experiment_config", map},
       {"use_trackio", boolean},
       {"trackio_project_name", text},
       {"trackio_run_name", text},
       {"trackio_space_id", text},
       {"use_swanlab", boolean},
       {"swanlab_project", text},
       {"swanlab_experiment_name", text},
       {"swanlab_description", text},
       {"swanlab_mode", text},
       {"swanlab_workspace", text},
       {"swanlab_api_key", text},
       {"swanlab_log_model", boolean},
       {"swanlab_web_host", text},
       {"swanlab_api_host", text},
       {"swanlab_lark_webhook_url", text},
       {"swanlab_lark_secret", text},
       {"swanlab_log_completions", boolean},
       {"swanlab_completion_log_interval", integer},
       {"swanlab_completion_max_buffer", integer}},
      "records are local: metrics.jsonl, TensorBoard files and an HTML report in output_dir");
  add(s.keys, Action::notice,
      {{"use_otel_metrics", boolean}, {"otel_metrics_host", text}, {"otel_metrics_port", integer}},
      "there is no metrics server yet; records are in output_dir");
  add(s.keys, Action::notice, {{"profiler_steps", integer}, {"profiler_steps_start", integer}},
      "PyTorch's profiler is not there");
  add(s.keys, Action::notice,
      {{"gradio_title", text},
       {"gradio_share", boolean},
       {"gradio_server_name", text},
       {"gradio_server_port", integer},
       {"gradio_max_new_tokens", integer},
       {"gradio_temperature", number}},
      "there is no web page for prompts");
  add(s.keys, Action::notice, {{"strict", boolean}},
      "it only concerns Axolotl's command line; --strict makes unknown keys errors here");
  return s;
}

ConfigSection task_section() {
  using enum Kind;
  ConfigSection s{
      "Preference, reward and reinforcement training",
      {key("rl", &Config::rl,
           "Preference training: dpo (docs/preference.md). Rows of ipo, simpo, orpo and "
           "kto are read, checked and shown by preview and preprocess.")
           .read_by(&read_preference_method),
       key("rl_beta", &Config::rl_beta, "How strongly the model is held to its reference.")
           .at_least(0)
           .derived("trl.beta, else orpo_alpha, else 0.1"),
       key("orpo_alpha", &Config::orpo_alpha, "Stands for rl_beta where that is absent.")
           .at_least(0),
       key("dpo_label_smoothing", &Config::dpo_label_smoothing,
           "Share of pairs that are taken to be the wrong way round.")
           .at_least(0)
           .at_most(1)}};
  add(s.keys, Action::notice,
      {{"dpo_loss_type", text_list},
       {"dpo_loss_weights", number_list},
       {"dpo_use_weighting", boolean}},
      "belongs to rl: dpo");
  add(s.keys, Action::notice,
      {{"dpo_padding_free", boolean},
       {"dpo_use_liger_kernel", boolean},
       {"precompute_ref_log_probs", boolean}},
      "changes no result: nothing is padded, logits exist for answers only, and the reference is "
      "asked in the step");
  add(s.keys, Action::notice,
      {{"simpo_gamma", number},
       {"cpo_alpha", number},
       {"kto_desirable_weight", number},
       {"kto_undesirable_weight", number}},
      "belongs to preference training (rl), which is not supported yet");
  add(s.keys, Action::later, {{"reward_model", boolean}, {"process_reward_model", boolean}},
      "reward models are not supported yet; supervised fine-tuning is");
  add(s.keys, Action::notice, {{"num_labels", integer}, {"center_rewards_coefficient", number}},
      "belongs to reward models, which are not supported yet");
  add(s.keys, Action::notice, {{"trl", map}},
      "belongs to reinforcement training, which is not supported");
  add(s.keys, Action::later, {{"vllm", map}, {"ebft", map}},
      "reinforcement training with a generation server is not supported");
  s.keys.push_back(alias("dpo_beta", "rl_beta"));
  declared(s.keys, "trl").fields = trl_fields();
  declared(s.keys, "vllm").fields = vllm_fields();
  declared(s.keys, "ebft").fields = ebft_fields();
  bound(
      s.keys,
      {"cpo_alpha", "kto_desirable_weight", "kto_undesirable_weight", "center_rewards_coefficient"},
      0);
  bound(s.keys, {"num_labels"}, 1);
  return s;
}

ConfigSection plugin_section() {
  using enum Kind;
  ConfigSection s{"Plug-ins and removed keys", {}};
  ConfigKey plugins = plain_key<Config>(
      "plugins", Action::notice,
      "Python plug-ins are not loaded; what the kernel and logging plug-ins do is built in");
  plugins.reader = &read_plugins;
  s.keys.push_back(std::move(plugins));
  add(s.keys, Action::later, {{"trainer_cls", text}}, "Python classes cannot be loaded");
  add(s.keys, Action::notice,
      {{"cut_cross_entropy", boolean},
       {"liger_rope", boolean},
       {"liger_rms_norm", boolean},
       {"liger_rms_norm_gated", boolean},
       {"liger_layer_norm", boolean},
       {"liger_glu_activation", boolean},
       {"liger_cross_entropy", boolean},
       {"liger_fused_linear_cross_entropy", boolean},
       {"use_scattermoe", boolean},
       {"use_sonicmoe", boolean},
       {"expert_backend", text},
       {"moe_grouped_backend", text},
       {"moe_dequant_chunk_size", integer},
       {"moe_bnb_fast", boolean},
       {"use_dsv4_kernels", boolean},
       {"use_glm_dsa_kernels", boolean},
       {"dsv4_fp8_nonexpert_mode", text},
       {"dsv4_fp8_lora_kernel", boolean},
       {"dsv4_shared_mlp_lora_kernel", boolean},
       {"dsv4_bf16_all", boolean},
       {"dsv4_fp4_grouped_mode", text},
       {"expert_parallel_num_nvl_bytes", integer},
       {"expert_parallel_num_rdma_bytes", integer},
       {"expert_parallel_token_capacity", integer},
       {"expert_parallel_fallback_on_unsupported", boolean}},
      "a choice among PyTorch's kernels; ours are fused");
  s.keys.push_back(alias("liger_swiglu", "liger_glu_activation"));
  add(s.keys, Action::later, {{"liger_use_token_scaling", boolean}},
      "weighting the loss by token probabilities is not supported");
  add(s.keys, Action::later, {{"spectrum_top_fraction", number}, {"spectrum_model_name", text}},
      "choosing layers by Spectrum is not supported yet; name them in unfrozen_parameters");
  add(s.keys, Action::notice,
      {{"lm_eval_tasks", text_list},
       {"lm_eval_batch_size", integer},
       {"lm_eval_model", text},
       {"lm_eval_post_train", boolean}},
      "the evaluation harness is a program of its own; run it on the merged model");
  add(s.keys, Action::later,
      {{"diffusion", map},
       {"llmcompressor", map},
       {"kd_trainer", any},
       {"kd_ce_alpha", number},
       {"kd_alpha", number},
       {"kd_temperature", number},
       {"kd_beta", number},
       {"kd_normalize_topk", boolean},
       {"kd_online_server_base_url", text},
       {"kd_online_topk", integer},
       {"kd_online_server", text},
       {"kd_online_timeout", integer},
       {"kd_temperature_min", number}},
      "this training task of a plug-in is not supported");
  add(s.keys, Action::later,
      {{"dense_mixer", boolean},
       {"grokfast_alpha", number},
       {"grokfast_lamb", number},
       {"hatchery", map},
       {"mora", map},
       {"nemo_gym_enabled", boolean}},
      "what this plug-in does to training is not supported");
  add(s.keys, Action::notice,
      {{"nemo_gym_dir", text},
       {"nemo_gym_auto_clone", boolean},
       {"nemo_gym_config_paths", text_list},
       {"nemo_gym_head_port", integer},
       {"nemo_gym_server_timeout", integer},
       {"nemo_gym_verify_timeout", integer},
       {"nemo_gym_run_timeout", integer},
       {"nemo_gym_datasets", map_list},
       {"nemo_gym_auto_start", boolean},
       {"nemo_gym_model_name", text},
       {"nemo_gym_multi_turn", boolean},
       {"nemo_gym_max_turns", integer}},
      "only has an effect with nemo_gym_enabled");
  add(s.keys, Action::reject, {{"max_packed_sequence_len", integer}},
      "removed from Axolotl; use sample_packing and sequence_len");
  add(s.keys, Action::reject, {{"rope_scaling", any}},
      "removed from Axolotl; put rope_scaling into the model's config.json");
  add(s.keys, Action::reject,
      {{"s2_attention", boolean},
       {"flash_attn_rms_norm", boolean},
       {"dpo_use_logits_to_keep", boolean},
       {"dpo_generate_during_eval", boolean},
       {"dpo_norm_loss", boolean},
       {"rpo_alpha", number},
       {"unsloth_*", any}},
      "removed from Axolotl; leave it out");
  for (const char* name :
       {"dpo_use_logits_to_keep", "dpo_generate_during_eval", "dpo_norm_loss", "rpo_alpha"})
    declared(s.keys, name).even_off = true;
  // Axolotl drops every unknown key silently; these are the ones that real files hold, and the
  // names that other trainers give to keys of ours.
  for (const auto& [name, hint] : std::initializer_list<std::pair<const char*, const char*>>{
           {"adam_eps", "write adam_epsilon"},
           {"eta_min", "write cosine_min_lr_ratio, the lowest rate as a share of learning_rate"},
           {"torch_dtype", "bf16 says which numbers are used"},
           {"gptq_groupsize", "the checkpoint says it"},
           {"gptq_model_v1", "the checkpoint says it"},
           {"gptq_disable_exllama", "leave it out"},
           {"full_finetune", "without adapter all weights are trained"},
           {"debug", "leave it out; axolotl-hpc preview shows the rows"},
           {"sample_packing_seq_len_multiplier", "set sequence_len"},
           {"sharding_strategy", "write reshard_after_forward into fsdp_config"},
           {"lora_exclude_modules", "name what is wanted in lora_target_modules"},
           {"flash_attn_cross_entropy_loss", "leave it out: the loss is always fused"},
           {"rl_adapter_ref_model", "leave it out"},
           {"beta", "write rl_beta"},
           {"num_train_epochs", "write num_epochs"},
           {"per_device_train_batch_size", "write micro_batch_size"},
           {"per_device_eval_batch_size", "write eval_batch_size"},
           {"lr_scheduler_type", "write lr_scheduler"},
           {"optim", "write optimizer"},
           {"max_seq_length", "write sequence_len"},
           {"max_seq_len", "write sequence_len"},
           {"model_name_or_path", "write base_model"},
           {"lora_rank", "write lora_r"},
           {"target_modules", "write lora_target_modules"},
           {"report_to", "write use_tensorboard"}})
    s.keys.push_back(plain_key<Config>(name, Action::unread, hint));
  return s;
}

}  // namespace axl::config
