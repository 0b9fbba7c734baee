#include "config/readers.hpp"
#include "config/schema.hpp"

namespace axl::config {

ConfigSection output_section() {
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
              "Checkpoint folder to go on from."),
          key("auto_resume_from_checkpoints", &Config::auto_resume_from_checkpoints,
              "Go on from the newest complete checkpoint in output_dir, if there is one."),
          key("eval_steps", &Config::eval_steps,
              "Steps between two evaluations; below 1 a share of all steps.")
              .read_by(&read_steps)
              .of_kind(Kind::number),
          key("evals_per_epoch", &Config::evals_per_epoch, "Evaluations an epoch.").at_least(0),
          key("eval_strategy", &Config::eval_strategy, "When evaluation runs: no, steps, epoch.")
              .one_of({"no", "steps", "epoch"})
              .derived(
                  "steps with eval_steps or evals_per_epoch, epoch with evaluation rows alone, "
                  "else no"),
          alias("evaluation_strategy", "eval_strategy"),
          key("early_stopping_patience", &Config::early_stopping_patience,
              "Stop after so many evaluations without a lower loss.")
              .at_least(1),
          key("loss_normalization", &Config::loss_normalization,
              "How a step's loss is averaged. global_tokens: over all label tokens of the global "
              "batch, whatever the split. axolotl: over each micro-batch first, then over "
              "micro-batches and ranks, as Axolotl does.")
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
  add(s.keys, Action::notice, {"include_tokens_per_second", "include_tkps"},
      "tokens a second are always recorded");
  add(s.keys, Action::later, {"do_bench_eval"},
      "the MMLU hook is not supported; give test_datasets");
  add(s.keys, Action::notice, {"bench_dataset", "bench_split"},
      "only has an effect with do_bench_eval");
  add(s.keys, Action::later, {"do_causal_lm_eval"},
      "metrics of generated text are not supported yet; the evaluation loss is");
  add(s.keys, Action::notice,
      {"eval_causal_lm_metrics", "eval_table_size", "eval_max_new_tokens", "num_generation_samples",
       "generation_max_new_tokens", "generation_temperature", "generation_top_p",
       "generation_top_k", "generation_prompt_ratio", "generation_do_sample", "generate_samples"},
      "samples of generated text are not printed during training; see axolotl-hpc inference");
  add(s.keys, Action::later, {"load_best_model_at_end", "metric_for_best_model"},
      "keeping the best checkpoint is not supported yet; all metrics are in metrics.jsonl");
  add(s.keys, Action::notice, {"greater_is_better"},
      "only has an effect with metric_for_best_model");
  add(s.keys, Action::later, {"dynamic_checkpoint"},
      "checkpoints by a trigger file are not supported yet; send SIGUSR1");
  add(s.keys, Action::notice, {"hub_model_id", "hub_strategy", "hub_revision"},
      "nothing is uploaded");
  return s;
}

ConfigSection distributed_section() {
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
  ConfigKey fsdp = plain_key<Config>(
      "fsdp_config", Action::notice,
      "every rank keeps the whole model; sharding saves memory and does not change the result");
  fsdp.reader = &read_fsdp_config;
  s.keys.push_back(std::move(fsdp));
  add(s.keys, Action::notice,
      {"fsdp", "fsdp_version", "fsdp_final_state_dict_type", "dp_shard_size", "dp_replicate_size",
       "deepspeed"},
      "every rank keeps the whole model; sharding saves memory and does not change the result");
  add(s.keys, Action::notice, {"fp32_norms", "fp32_norm_classes"},
      "norms are always computed in f32");
  add(s.keys, Action::notice,
      {"heads_k_stride", "ring_attn_func", "expert_parallel_backend", "ddp", "ddp_timeout",
       "ddp_bucket_cap_mb", "ddp_broadcast_buffers", "ddp_find_unused_parameters", "world_size",
       "local_rank", "accelerator_config", "sharding_strategy"},
      "ranks come from mpirun or srun, and communication is MPI's");
  add(s.keys, Action::later, {"use_ray"},
      "ranks are started by mpirun or srun, not by Ray; leave it out");
  add(s.keys, Action::notice, {"ray_run_name", "ray_num_workers", "resources_per_worker"},
      "only has an effect with Ray; ranks are started by mpirun or srun");
  return s;
}

ConfigSection tracking_section() {
  ConfigSection s{"Records",
                  {key("use_tensorboard", &Config::use_tensorboard,
                       "Write TensorBoard event files to output_dir.")}};
  add(s.keys, Action::notice,
      {"use_wandb", "wandb_*", "use_mlflow", "mlflow_*", "hf_mlflow_log_artifacts", "use_comet",
       "comet_*", "use_trackio", "trackio_*", "use_swanlab", "swanlab_*"},
      "records are local: metrics.jsonl, TensorBoard files and an HTML report in output_dir");
  add(s.keys, Action::notice, {"use_otel_metrics", "otel_metrics_host", "otel_metrics_port"},
      "there is no metrics server yet; records are in output_dir");
  add(s.keys, Action::notice, {"profiler_steps", "profiler_steps_start"},
      "PyTorch's profiler is not there");
  add(s.keys, Action::notice, {"gradio_*"}, "there is no web page for prompts");
  add(s.keys, Action::notice, {"strict"},
      "it only concerns Axolotl's command line; --strict makes unknown keys errors here");
  return s;
}

ConfigSection task_section() {
  ConfigSection s{"Preference, reward and reinforcement training",
                  {key("rl", &Config::rl,
                       "Preference training. Its rows are read, checked and shown by preview and "
                       "preprocess; training on them is not supported yet.")
                       .read_by(&read_preference_method)}};
  add(s.keys, Action::notice,
      {"rl_beta", "dpo_beta", "orpo_alpha", "dpo_loss_type", "dpo_loss_weights",
       "dpo_label_smoothing", "dpo_use_weighting", "dpo_padding_free", "dpo_use_liger_kernel",
       "precompute_ref_log_probs", "simpo_gamma", "cpo_alpha", "kto_desirable_weight",
       "kto_undesirable_weight"},
      "only has an effect with rl");
  add(s.keys, Action::later, {"reward_model", "process_reward_model"},
      "reward models are not supported yet; supervised fine-tuning is");
  add(s.keys, Action::notice, {"num_labels", "center_rewards_coefficient"},
      "only has an effect with reward models");
  add(s.keys, Action::notice, {"trl"}, "only has an effect with rl");
  add(s.keys, Action::later, {"vllm", "ebft"},
      "reinforcement training with a generation server is not supported");
  return s;
}

ConfigSection plugin_section() {
  ConfigSection s{"Plug-ins and removed keys", {}};
  ConfigKey plugins = plain_key<Config>(
      "plugins", Action::notice,
      "Python plug-ins are not loaded; what the kernel and logging plug-ins do is built in");
  plugins.reader = &read_plugins;
  s.keys.push_back(std::move(plugins));
  add(s.keys, Action::later, {"trainer_cls"}, "Python classes cannot be loaded");
  add(s.keys, Action::notice,
      {"cut_cross_entropy", "liger_rope", "liger_rms_norm", "liger_rms_norm_gated",
       "liger_layer_norm", "liger_glu_activation", "liger_swiglu", "liger_cross_entropy",
       "liger_fused_linear_cross_entropy", "use_scattermoe", "use_sonicmoe"},
      "a choice among PyTorch's kernels; ours are fused");
  add(s.keys, Action::later, {"liger_use_token_scaling"},
      "weighting the loss by token probabilities is not supported");
  add(s.keys, Action::later, {"spectrum_top_fraction", "spectrum_model_name"},
      "choosing layers by Spectrum is not supported yet; name them in unfrozen_parameters");
  add(s.keys, Action::notice,
      {"lm_eval_tasks", "lm_eval_batch_size", "lm_eval_model", "lm_eval_post_train"},
      "the evaluation harness is a program of its own; run it on the merged model");
  add(s.keys, Action::later, {"diffusion", "llmcompressor", "kd_*", "dft_*"},
      "this training task of a plug-in is not supported");
  add(s.keys, Action::reject, {"max_packed_sequence_len"},
      "removed from Axolotl; use sample_packing and sequence_len");
  add(s.keys, Action::reject, {"rope_scaling"},
      "removed from Axolotl; put rope_scaling into the model's config.json");
  add(s.keys, Action::reject,
      {"s2_attention", "flash_attn_rms_norm", "dpo_use_logits_to_keep", "dpo_generate_during_eval",
       "dpo_norm_loss", "rpo_alpha", "unsloth_*"},
      "removed from Axolotl; leave it out");
  return s;
}

}  // namespace axl::config
