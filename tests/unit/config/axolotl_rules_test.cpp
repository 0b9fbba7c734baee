#include <cstdlib>
#include <ostream>

#include "yaml_case.hpp"

// Rules between keys that Axolotl's schema holds, and what it lets through.
namespace axl::config {
namespace {

/// Lines laid over the minimal configuration, and the key that an error is about.
struct Broken {
  const char* lines;
  const char* key;
};

/// The case in the test's name; without it gtest prints the bytes of two pointers.
void PrintTo(const Broken& b, std::ostream* out) {
  const std::string lines = b.lines;
  *out << b.key << " in " << lines.substr(0, lines.find('\n'));
}

class BrokenRules : public testing::TestWithParam<Broken> {};

TEST_P(BrokenRules, AreErrorsWithAPlace) {
  const LoadResult r = read(kMinimal + GetParam().lines);
  ASSERT_FALSE(r.accepted()) << GetParam().lines;
  EXPECT_GE(about(r.errors, GetParam().key).where.line, 1) << all(r.errors);
}

constexpr const char* kQlora =
    "adapter: qlora\nlora_r: 8\nlora_alpha: 16\nlora_target_linear: true\n";

INSTANTIATE_TEST_SUITE_P(
    Axolotl, BrokenRules,
    testing::Values(
        Broken{"load_in_8bit: true\n", "load_in_8bit"}, Broken{"adapter: qlora\n", "adapter"},
        Broken{"adapter: qlora\nload_in_8bit: true\n", "load_in_8bit"},
        Broken{"adapter: loraa\n", "adapter"},
        Broken{"qat: {weight_dtype: int4}\nadapter: qlora\nload_in_4bit: true\n", "load_in_4bit"},
        Broken{"model_quantization_config: Mxfp4Config\nadapter: qlora\nload_in_4bit: true\n",
               "load_in_4bit"},
        Broken{"lr_groups: [{name: a, modules: [b], lr: 1}]\nloraplus_lr_ratio: 4\n",
               "loraplus_lr_ratio"},
        Broken{"adapter: lora\nlora_target_parameters: [a]\nlora_dropout: 0.1\n",
               "lora_target_parameters"},
        Broken{"adapter: lora\npeft_layers_pattern: [layers]\n", "peft_layers_pattern"},
        Broken{"adapter: lora\nload_in_8bit: true\nlora_mlp_kernel: true\n", "lora_mlp_kernel"},
        Broken{"adapter: lora\ntrust_remote_code: true\nlora_o_kernel: true\n", "lora_o_kernel"},
        Broken{"adapter: lora\nlora_target_modules: ['(a']\n", "lora_target_modules"},
        Broken{"peft_layers_pattern: [layers]\n", "peft_layers_pattern"},
        Broken{"trust_remote_code: true\nlora_o_kernel: true\n", "lora_o_kernel"},
        Broken{"adapter: lora\nlora_alpha: 0.5\n", "lora_alpha"},
        Broken{"nvfp4_merge_aware: true\n", "nvfp4_merge_aware"},
        Broken{"save_strategy: no\n", "save_strategy"},
        Broken{"eval_strategy: off\n", "eval_strategy"}, Broken{"fp16: auto\n", "fp16"},
        Broken{"pretraining_dataset: []\n", "pretraining_dataset"},
        Broken{"optim_target_modules: attn\n", "optim_target_modules"},
        Broken{"flash_optimum: true\n", "flash_optimum"},
        Broken{"ring_attn_func: zigzag\n", "ring_attn_func"},
        Broken{"peft_layer_replication: [1, 2]\n", "peft_layer_replication"},
        Broken{"base_model_config:\n", "base_model_config"},
        Broken{"lora_alpha: 1e3\n", "lora_alpha"},
        Broken{"lr_groups: [{name: a, lr: 1}]\n", "lr_groups.0.modules"},
        Broken{"role_boundaries: [{start: a}]\n", "role_boundaries.0.role"},
        Broken{"ple_cpu_offload: true\n", "ple_cpu_offload"},
        Broken{"fp8_config: {}\n", "fp8_config"},
        Broken{"neftune_noise_alpha: 0\n", "neftune_noise_alpha"},
        Broken{"plugins: [axolotl.integrations.cut_cross_entropy.CutCrossEntropyPlugin]\n"
               "chunked_cross_entropy: true\n",
               "chunked_cross_entropy"},
        Broken{"sample_packing: true\ndo_causal_lm_eval: true\n", "do_causal_lm_eval"},
        Broken{"dpo_norm_loss: false\n", "dpo_norm_loss"}, Broken{"num_epochs:\n", "num_epochs"},
        Broken{"sequence_len: ~\n", "sequence_len"}, Broken{"use_ray: null\n", "use_ray"},
        Broken{"output_dir: 2024\n", "output_dir"}, Broken{"wandb_name: 1.5\n", "wandb_name"},
        Broken{"tokens: a\n", "tokens"}, Broken{"eot_tokens: a\n", "eot_tokens"},
        Broken{"unfrozen_parameters: a\n", "unfrozen_parameters"},
        Broken{"unfrozen_parameters: ['lm_head[6:4]']\n", "unfrozen_parameters"},
        Broken{"peft_layers_to_transform: 1\n", "peft_layers_to_transform"},
        Broken{"fsdp: full_shard\n", "fsdp"}, Broken{"adam_beta3: []\n", "adam_beta3"},
        Broken{"max_steps: 1e3\n", "max_steps"}, Broken{"weight_decay: 017\n", "weight_decay"},
        Broken{"large_head_attention: abc\n", "large_head_attention"},
        Broken{"relora: true\n", "relora"},
        Broken{"quantize_moe_experts: true\n", "quantize_moe_experts"},
        Broken{"unfrozen_parameters: [a]\ngradient_checkpointing_kwargs: {use_reentrant: true}\n",
               "unfrozen_parameters"},
        Broken{"pretraining_dataset: [{path: a}]\n", "pretraining_dataset"},
        Broken{"streaming: true\n", "streaming"},
        Broken{"streaming: true\nmax_steps: 5\nval_set_size: 0.1\n", "val_set_size"},
        Broken{"push_dataset_to_hub: me/it\n", "push_dataset_to_hub"},
        Broken{"skip_prepare_dataset: true\ndataset_exact_deduplication: true\n",
               "dataset_exact_deduplication"},
        Broken{"eval_causal_lm_metrics: [blue]\n", "eval_causal_lm_metrics"},
        Broken{"sample_packing: true\neval_table_size: 5\n", "eval_table_size"},
        Broken{"rl: dpo\nsample_packing: true\n", "sample_packing"},
        Broken{"rl: kto\n", "remove_unused_columns"},
        Broken{"rl: simpo\nwarmup_ratio: 0.1\n", "warmup_ratio"},
        Broken{"rl: dpo\ndpo_loss_weights: [1.0]\n", "dpo_loss_weights"},
        Broken{"rl: dpo\ndpo_loss_type: [sigmoid]\ndpo_loss_weights: [1.0, 2.0]\n",
               "dpo_loss_weights"},
        Broken{"rl: orpo\ndpo_loss_type: [sigmoid]\n", "dpo_loss_type"},
        Broken{"rl: grpo\ntrl: {num_generations: 1}\n", "trl"},
        Broken{"rl: grpo\ntrl: {num_generations: 4}\n", "trl"}, Broken{"rl: ebft\n", "rl"},
        Broken{"rl: doq\n", "rl"},
        Broken{"cut_cross_entropy: true\nliger_cross_entropy: true\n", "liger_cross_entropy"},
        Broken{"cut_cross_entropy: true\nbf16: false\n", "cut_cross_entropy"},
        Broken{"liger_use_token_scaling: true\n", "liger_use_token_scaling"},
        Broken{"liger_swiglu: true\nliger_glu_activation: false\n", "liger_swiglu"},
        Broken{"activation_offloading: true\n", "activation_offloading"},
        Broken{"selective_checkpointing: true\n", "selective_checkpointing"},
        Broken{"torch_compile_options: {a: 1}\n", "torch_compile_options"},
        Broken{"scaling_softmax: true\n", "scaling_softmax"},
        Broken{"max_memory: {0: 1GiB}\ngpu_memory_limit: 5\n", "gpu_memory_limit"},
        Broken{"batch_flattening: true\n", "batch_flattening"},
        Broken{"noisy_embedding_alpha: 5\nneftune_noise_alpha: 6\n", "noisy_embedding_alpha"},
        Broken{"neftune_noise_alpha: 0.0\nflash_attention: true\nattn_implementation: sdpa\n",
               "flash_attention"},
        Broken{"fsdp_config: {cpu_offload_pin_memory: false}\n", "fsdp_config"},
        Broken{"fsdp_config: {auto_wrap_policy: SIZE_BASED_WRAP}\n", "fsdp_config"},
        Broken{"fp32_norms: true\n", "fp32_norms"},
        Broken{"tensor_parallel_size: 2\nliger_rms_norm: true\n", "liger_rms_norm"},
        Broken{"context_parallel_size: 2\n", "context_parallel_size"},
        Broken{"context_parallel_size: 3\nattn_implementation: flash_attention_2\n",
               "sequence_len"},
        Broken{"gradient_checkpointing: unsloth\n", "gradient_checkpointing"},
        Broken{"chat_template: llama33\n", "chat_template"}));

TEST(AxolotlRules, ModelsNamedAsMptHaveNoCheckpoints) {
  const std::string named = "base_model: a/MPT-7b\n" + kMinimal.substr(kMinimal.find('\n') + 1);
  EXPECT_TRUE(read(named).accepted());
  about(read(named + "gradient_checkpointing: true\n").errors, "gradient_checkpointing");
}

TEST(AxolotlRules, OptimisersThatCannotBeSharded) {
  const std::string head = kMinimal.substr(0, kMinimal.find("optimizer"));
  for (const char* lines :
       {"optimizer: adamw_bnb_8bit\nfsdp_version: 2\nfsdp_config: {offload_params: false}\n",
        "optimizer: adamw_8bit\nfsdp_config: {fsdp_offload_params: true}\n",
        "optimizer: muon\nfsdp_config: {offload_params: false}\n",
        "optimizer: flash_adamw\ndeepspeed: zero1.json\n",
        "optimizer: adamw_8bit\ntensor_parallel_size: 2\n"})
    EXPECT_NE(about(read(head + lines).errors, "optimizer").message, "") << lines;
  EXPECT_TRUE(read(head + "optimizer: muon\nfsdp_config: {fsdp_version: 2}\n").accepted());
}

// --- what Axolotl lets through -------------------------------------------------------------------

TEST(LetThrough, LayoutsThatCannotBe) {
  const std::string impossible = "tensor_parallel_size: 3\ndp_shard_size: 5\n";
  const LoadResult r = read(kMinimal + impossible);
  EXPECT_NE(about(r.errors, "tensor_parallel_size").message.find("attention heads"),
            std::string::npos);
  const LoadResult ranks = read(kMinimal +
                                "dp_shard_size: 4\ndp_replicate_size: 2\n"
                                "world_size: 12\n");
  EXPECT_EQ(about(ranks.errors, "dp_shard_size").message,
            "the layout needs a multiple of 8 ranks (dp_replicate_size 2 x dp_shard_size 4); there "
            "are 12");
  EXPECT_TRUE(read(kMinimal + "dp_shard_size: 4\nworld_size: 12\n").accepted());
  EXPECT_TRUE(read(kMinimal + "dp_shard_size: 16\n").accepted()) << "the ranks are not known";
}

TEST(LetThrough, TheLaunchersRanksAreAsked) {
  ASSERT_EQ(::setenv("OMPI_COMM_WORLD_SIZE", "6", 1), 0);
  EXPECT_FALSE(read(kMinimal + "dp_shard_size: 4\n").accepted());
  EXPECT_TRUE(read(kMinimal + "dp_shard_size: 3\n").accepted());
  ::unsetenv("OMPI_COMM_WORLD_SIZE");
}

TEST(LetThrough, MisspeltKeysInsideMaps) {
  const LoadResult r =
      read(kMinimal +
           "fsdp_config: {offload_parms: true, fsdp_limit_all_gathers: true}\n"
           "trl: {num_generation: 4}\npeft: {loftq_conf: {loftq_bits: 4}}\n"
           "dynamic_checkpoint: {enbled: true}\nvllm: {gpu_memory_utilisation: 0.5}\n");
  EXPECT_TRUE(r.accepted()) << all(r.errors);
  for (const auto& [key, hint] : std::map<std::string, std::string>{
           {"fsdp_config.offload_parms", "did you mean 'offload_params'?"},
           {"fsdp_config.fsdp_limit_all_gathers", ""},
           {"trl.num_generation", "did you mean 'num_generations'?"},
           {"peft.loftq_conf", "did you mean 'loftq_config'?"},
           {"dynamic_checkpoint.enbled", "did you mean 'enabled'?"},
           {"vllm.gpu_memory_utilisation", "did you mean 'gpu_memory_utilization'?"}}) {
    EXPECT_EQ(about(r.warnings, key).hint, hint) << key;
    EXPECT_NE(std::find(r.ignored.begin(), r.ignored.end(), key), r.ignored.end()) << key;
  }
  LoadOptions strict;
  strict.strict = true;
  EXPECT_EQ(read(kMinimal + "trl: {num_generation: 4}\n", strict).errors.size(), 1u);
}

TEST(LetThrough, KeysThatNobodyReadsSayWhatToWrite) {
  const LoadResult r = read(kMinimal + "adam_eps: 1e-6\neta_min: 1e-6\nnum_train_epochs: 3\n");
  EXPECT_EQ(about(r.warnings, "adam_eps").hint, "write adam_epsilon");
  EXPECT_EQ(about(r.warnings, "num_train_epochs").hint, "write num_epochs");
  EXPECT_EQ(r.ignored.size(), 3u);
}

TEST(LetThrough, KeysThatAClassOfDataSetsDropsAreNamedByEntry) {
  const LoadResult r = read(
      "base_model: m\nlearning_rate: 1\nmicro_batch_size: 1\ngradient_accumulation_steps: 1\n"
      "rl: dpo\ndatasets:\n  - path: a\n    type: chat_template.default\n    roles:\n"
      "      user: [u]\n  - path: b\n    type: chatml.ultra\n    roles_to_tran: [x]\n");
  EXPECT_TRUE(r.accepted()) << all(r.errors);
  EXPECT_EQ(r.ignored, (std::vector<std::string>{"datasets[].roles", "datasets[].roles_to_tran"}));
  EXPECT_EQ(about(r.warnings, "datasets.0.roles").where.line, 9);
  EXPECT_EQ(about(r.warnings, "datasets.1.roles_to_tran").hint, "did you mean 'roles_to_train'?");
}

// --- typed values of keys without a member -------------------------------------------------------

TEST(Typed, ValuesAreCheckedAndConverted) {
  const auto e = effective(
      read(kMinimal +
           "rl: dpo\nrl_beta: \"0.1\"\ndataloader_num_workers: '4'\nembedding_lr: 1e-4\n"
           "lr_groups: [{name: a, modules: [b], lr: 2e-5}]\nwandb_project: p\ntiled_mlp: yes\n"
           "fsdp_config: {fsdp_offload_params: 'false', min_num_params: 1.0e+3}\n"
           "torch_compile: auto\ndeepspeed: {zero_optimization: {stage: 2}}\n"));
  EXPECT_EQ(e["rl_beta"], 0.1);
  EXPECT_EQ(e["dataloader_num_workers"], 4);
  EXPECT_EQ(e["embedding_lr"], 1e-4);
  EXPECT_EQ(e["lr_groups"][0]["modules"][0], "b");
  EXPECT_EQ(e["lr_groups"][0]["lr"], 2e-5);
  EXPECT_EQ(e["tiled_mlp"], true);
  EXPECT_EQ(e["fsdp_config"]["offload_params"], false) << "without the old prefix";
  EXPECT_EQ(e["fsdp_config"]["min_num_params"], 1000);
  EXPECT_EQ(e["fsdp_version"], 1);
  EXPECT_EQ(e["deepspeed"]["zero_optimization"]["stage"], 2);
}

TEST(Typed, ValuesKeepTheTypeThatPydanticGivesThem) {
  const auto e = effective(
      read(kLora +
           "bf16: 'yes'\ngpu_memory_limit: 5\npeft_init_lora_weights: 'true'\nmax_steps: '0'\n"
           "eval_max_new_tokens: 7\ndevice_map: 2e-5\n"));
  EXPECT_EQ(e["bf16"], true);
  EXPECT_EQ(e["gpu_memory_limit"], 5);
  EXPECT_EQ(e["peft_init_lora_weights"], "true");
  EXPECT_EQ(e["max_steps"], 0);
  EXPECT_EQ(e["eval_max_new_tokens"], 7);
  EXPECT_FALSE(e.contains("generation_max_new_tokens")) << "a key of its own";
  EXPECT_EQ(e["device_map"], "2e-5");
  const auto other =
      effective(read(kMinimal + "gpu_memory_limit: 5GiB\npeft_init_lora_weights: on\n"));
  EXPECT_EQ(other["gpu_memory_limit"], "5GiB");
  EXPECT_EQ(other["peft_init_lora_weights"], true);
}

TEST(Typed, WrongValuesAreErrorsWhateverBecomesOfTheKey) {
  for (const auto& [line, key] : std::map<std::string, std::string>{
           {"wandb_project: [a]", "wandb_project"},
           {"dataloader_num_workers: many", "dataloader_num_workers"},
           {"dp_shard_size: -2", "dp_shard_size"},
           {"dp_shard_size: 2.5", "dp_shard_size"},
           {"fsdp_version: 3", "fsdp_version"},
           {"fsdp_config: {state_dict_type: FULL}", "fsdp_config.state_dict_type"},
           {"fsdp_config: true", "fsdp_config"},
           {"trl: {beta: big}", "trl.beta"},
           {"lr_groups: [{lr: -1}]", "lr_groups.0.lr"},
           {"torch_compile: sometimes", "torch_compile"},
           {"peft: {loftq_config: {loftq_bits: 0}}", "peft.loftq_config.loftq_bits"},
           {"generation_top_p: 1.5", "generation_top_p"},
           {"relora_prune_method: prune", "relora_prune_method"},
           {"tf32: maybe", "tf32"}}) {
    const LoadResult r = read(kMinimal + line + "\n");
    EXPECT_FALSE(r.accepted()) << line;
    EXPECT_EQ(about(r.errors, key).where.line, 9) << line;
  }
}

TEST(Typed, OverridesReachKeysWithoutAMemberAndInsideMaps) {
  LoadOptions options;
  options.overrides = {{"wandb_project", "p"}, {"trl.beta", "0.2"}, {"device_map", "auto"}};
  const LoadResult r = read(kMinimal + "trl: {num_generations: 4}\n", options);
  EXPECT_TRUE(r.accepted()) << all(r.errors);
  const auto e = effective(r);
  EXPECT_EQ(e["wandb_project"], "p");
  EXPECT_EQ(e["trl"]["beta"], 0.2);
  EXPECT_EQ(e["trl"]["num_generations"], 4);
  EXPECT_EQ(e["device_map"], "auto");
  options.overrides = {{"trl.beta", "big"}};
  EXPECT_EQ(about(read(kMinimal, options).errors, "trl.beta").where.file, "command line");
}

TEST(Typed, NothingIsAskedByAValueThatIsOff) {
  const LoadResult r = read(kMinimal +
                            "relora: false\nlisa_n_layers: 0\njagged_restart_steps: false\n"
                            "peft_init_lora_weights: true\nqat:\nsave_steps: 0\nlogging_steps: 0\n"
                            "early_stopping_patience: 0\n");
  EXPECT_TRUE(r.accepted()) << all(r.errors);
  EXPECT_EQ(effective(r)["jagged_restart_steps"], 0);
  EXPECT_TRUE(r.unsupported.empty()) << all(r.unsupported);
}

TEST(DerivedLikeAxolotl, KeysThatSteerPython) {
  const auto lora = effective(read(kLora));
  EXPECT_EQ(lora["lora_mlp_kernel"], true);
  EXPECT_EQ(lora["tf32"], true);
  EXPECT_EQ(lora["context_parallel_size"], 1);
  EXPECT_FALSE(effective(read(kLora + "trust_remote_code: true\n")).contains("lora_mlp_kernel"));
  EXPECT_FALSE(effective(read(kLora + "lora_o_kernel: false\n")).contains("lora_mlp_kernel"));
  const auto q = effective(read(kMinimal + std::string(kQlora) +
                                "load_in_4bit: true\nsample_packing: true\n"
                                "eval_sample_packing: false\ngradient_checkpointing: offload\n"
                                "flash_attention: true\nmodel_type: LlamaForCausalLM\n"));
  EXPECT_EQ(q["adapter"], "qlora");
  EXPECT_EQ(q["remove_unused_columns"], false);
  EXPECT_EQ(q["gradient_checkpointing"], true);
  EXPECT_EQ(q["activation_offloading"], true);
  EXPECT_EQ(q["attn_implementation"], "flash_attention_2");
  EXPECT_EQ(q["type_of_model"], "LlamaForCausalLM");
  EXPECT_EQ(q["pad_to_sequence_len"], true);
  const auto reward = effective(read(kMinimal + "reward_model: true\n"));
  EXPECT_EQ(reward["num_labels"], 1);
  EXPECT_EQ(reward["model_type"], "AutoModelForSequenceClassification");
}

}  // namespace
}  // namespace axl::config
