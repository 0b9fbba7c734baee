#include "yaml_case.hpp"

namespace axl::config {
namespace {

/// Lines laid over the minimal LoRA configuration, the key that is at fault, and the message.
struct Rule {
  const char* lines;
  const char* key;
  const char* message;
};

class Rules : public testing::TestWithParam<Rule> {};

TEST_P(Rules, AreBroken) {
  const Rule& p = GetParam();
  const LoadResult r = read(kLora + p.lines);
  ASSERT_FALSE(r.accepted()) << p.lines;
  EXPECT_EQ(about(r.errors, p.key).message, p.message);
  EXPECT_GE(about(r.errors, p.key).where.line, 1);
}

INSTANTIATE_TEST_SUITE_P(
    All, Rules,
    testing::Values(
        Rule{"val_set_size: 0.1\ntest_datasets:\n  - path: t.jsonl\n    type: alpaca\n",
             "val_set_size", "cannot be given together with test_datasets"},
        Rule{"val_set_size: 10.5\n", "val_set_size",
             "above 1 it is a number of rows and must be an integer; got 10.5"},
        Rule{"val_set_size: 1\n", "val_set_size",
             "1 takes every row for evaluation and leaves none for training"},
        Rule{"chat_template: jinja\n", "chat_template", "'jinja' needs chat_template_jinja"},
        Rule{"batch_size: 8\n", "batch_size",
             "cannot be given together with gradient_accumulation_steps"},
        Rule{"warmup_steps: 5\nwarmup_ratio: 0.1\n", "warmup_ratio",
             "cannot be given together with warmup_steps"},
        Rule{"warmup_steps: 0.1\n", "warmup_steps", "must be an integer, at least 0; got '0.1'"},
        Rule{"save_steps: 5\nsave_strategy: epoch\n", "save_strategy",
             "must be steps with save_steps; got 'epoch'"},
        Rule{"saves_per_epoch: 5\nsave_strategy: epoch\n", "save_strategy",
             "must be steps with saves_per_epoch; got 'epoch'"},
        Rule{"save_steps: 5\nsaves_per_epoch: 1\n", "saves_per_epoch",
             "cannot be given together with save_steps"},
        Rule{"save_strategy: best\n", "save_strategy", "'best' needs metric_for_best_model"},
        Rule{"val_set_size: 5\neval_steps: 5\neval_strategy: epoch\n", "eval_strategy",
             "must be steps with eval_steps; got 'epoch'"},
        Rule{"val_set_size: 5\neval_steps: 5\nevals_per_epoch: 1\n", "evals_per_epoch",
             "cannot be given together with eval_steps"},
        Rule{"val_set_size: 5\nevals_per_epoch: 1\neval_strategy: epoch\n", "eval_strategy",
             "must be steps with evals_per_epoch; got 'epoch'"},
        Rule{"val_set_size: 0\neval_steps: 5\n", "eval_steps",
             "there are no evaluation rows: val_set_size is 0"},
        Rule{"val_set_size: 0\neval_strategy: epoch\n", "eval_strategy",
             "there are no evaluation rows: val_set_size is 0"},
        Rule{"val_set_size: 5\nearly_stopping_patience: 2\n", "early_stopping_patience",
             "needs save_steps and eval_steps, and eval_steps must divide save_steps"},
        Rule{"val_set_size: 5\nearly_stopping_patience: 2\nsave_steps: 5\neval_steps: 2\n",
             "early_stopping_patience",
             "needs save_steps and eval_steps, and eval_steps must divide save_steps"},
        Rule{"unfrozen_parameters: [a]\npeft_layers_to_transform: [1]\n", "unfrozen_parameters",
             "cannot be given together with peft_layers_to_transform"},
        Rule{"float32: true\nbf16: true\n", "float32", "contradicts bf16"},
        Rule{"deepspeed: z.json\nfsdp: [full_shard]\n", "deepspeed",
             "cannot be given together with fsdp"}));

TEST(RulesOfAdapters, LoraNeedsRankAlphaAndTargets) {
  const LoadResult r = read(kMinimal + "adapter: lora\n");
  EXPECT_EQ(about(r.errors, "lora_r").message, "is required with adapter: lora");
  EXPECT_EQ(about(r.errors, "lora_alpha").message, "is required with adapter: lora");
  about(r.errors, "lora_target_linear");
  EXPECT_TRUE(read(kMinimal + "adapter: lora\nlora_model_dir: a\n").accepted())
      << "the adapter's own file tells";
  EXPECT_FALSE(read(kMinimal + "lora_model_dir: a\n").accepted());
}

TEST(RulesOfAdapters, UnfrozenParametersBesideAnAdapterAreNotTrainedYet) {
  const LoadResult r = read(kLora + "unfrozen_parameters: [a]\n");
  EXPECT_TRUE(r.accepted()) << all(r.errors);
  EXPECT_FALSE(r.trainable());
  EXPECT_NE(about(r.unsupported, "unfrozen_parameters").hint.find("lora_modules_to_save"),
            std::string::npos);
}

TEST(RulesOfAdapters, LoraKeysWithoutAdapterWarn) {
  const LoadResult r = read(kMinimal + "lora_r: 8\n");
  EXPECT_TRUE(r.accepted());
  EXPECT_EQ(about(r.warnings, "lora_r").message, "has no effect without adapter: lora");
}

TEST(RulesOfRanks, AMissingDeepSpeedFileIsTold) {
  const LoadResult r = read(kMinimal + "deepspeed: nowhere/zero2.json\n");
  ASSERT_TRUE(r.accepted()) << all(r.errors);
  EXPECT_EQ(about(r.warnings, "deepspeed").message,
            "no such file: 'nowhere/zero2.json'; Axolotl would stop when it sets up training");
  for (const char* other : {"{zero_optimization: {stage: 2}}", "'{\"bf16\": {}}'", "eyJhIjogMX0="})
    for (const Finding& f : read(kMinimal + "deepspeed: " + other + "\n").warnings)
      EXPECT_NE(f.where.key, "deepspeed") << other;
}

TEST(RulesOfBatches, TwoOfThreeAreNeeded) {
  const std::string head =
      "base_model: m\nlearning_rate: 1\ndatasets:\n  - {path: a, type: alpaca}\n";
  EXPECT_FALSE(read(head + "micro_batch_size: 1\n").accepted());
  const LoadResult r = read(head + "micro_batch_size: 2\nbatch_size: 8\n");
  ASSERT_TRUE(r.accepted()) << all(r.errors);
  EXPECT_EQ(r.config.gradient_accumulation_steps, 4);
  EXPECT_EQ(about(r.warnings, "batch_size").hint, "write gradient_accumulation_steps: 4");
  EXPECT_EQ(about(read(head + "micro_batch_size: 3\nbatch_size: 8\n").errors, "batch_size").message,
            "must be a multiple of micro_batch_size (3); got 8");
}

TEST(RulesOfBatches, ZeroWarmupStepsMayStandBesideARatio) {
  EXPECT_TRUE(read(kMinimal + "warmup_steps: 0\nwarmup_ratio: 0.1\n").accepted());
}

TEST(Derived, PackingAndEvaluation) {
  const Config c = read(kMinimal + "sample_packing: true\n").config;
  EXPECT_EQ(c.eval_sample_packing, true);
  EXPECT_EQ(c.pad_to_sequence_len, true);
  EXPECT_EQ(c.eval_batch_size, 2);
  const Config own =
      read(kMinimal + "sample_packing: true\neval_sample_packing: false\neval_batch_size: 5\n")
          .config;
  EXPECT_EQ(own.eval_sample_packing, false);
  EXPECT_EQ(own.eval_batch_size, 5);
  EXPECT_EQ(read(kMinimal).config.pad_to_sequence_len, std::nullopt);
}

TEST(Derived, Precision) {
  const auto dtype = [](const std::string& lines, bool native) {
    LoadOptions options;
    options.native_bf16 = native;
    return read(kMinimal + lines, options).config.dtype;
  };
  EXPECT_EQ(dtype("", true), "bf16") << "auto is the default";
  EXPECT_EQ(dtype("", false), "f32");
  EXPECT_EQ(dtype("bf16: auto\n", true), "bf16");
  EXPECT_EQ(dtype("bf16: true\n", false), "bf16");
  EXPECT_EQ(dtype("bf16: full\n", false), "bf16");
  EXPECT_EQ(dtype("bf16: false\n", true), "f32");
  EXPECT_EQ(dtype("bf16: false\nbfloat16: true\n", false), "bf16");
  EXPECT_EQ(dtype("float32: true\n", true), "f32");
}

TEST(RulesOfRates, WhatHasNoEffectIsSaid) {
  EXPECT_EQ(read(kMinimal + "embedding_lr: 1e-5\n").warnings.size(), 0u);
  about(read(kMinimal + "embedding_lr: 0\n").warnings, "embedding_lr");
  about(read(kMinimal + "embedding_lr_scale: 0\n").warnings, "embedding_lr_scale");
  about(read(kLora + "embedding_lr: 1e-5\nloraplus_lr_ratio: 4\n").warnings, "embedding_lr");
  about(read(kMinimal + "cosine_constant_lr_ratio: 0.5\ncosine_min_lr_ratio: 0\n").warnings,
        "cosine_constant_lr_ratio");
}

TEST(Derived, OptimisAdamwHasItsOwnDefaults) {
  const auto adam = [](const std::string& lines) {
    const Config c = read(kMinimal + lines).config;
    return std::vector<double>{c.adam_beta1, c.adam_beta2, c.adam_epsilon};
  };
  EXPECT_EQ(adam(""), (std::vector<double>{0.9, 0.999, 1e-8}));
  const auto of_optimi = [&](const std::string& lines) {
    std::string head = kMinimal;
    head.replace(head.find("optimizer: adamw_torch\n"), 23, "optimizer: optimi_adamw\n");
    const Config c = read(head + lines).config;
    return std::vector<double>{c.adam_beta1, c.adam_beta2, c.adam_epsilon};
  };
  EXPECT_EQ(of_optimi(""), (std::vector<double>{0.9, 0.99, 1e-6}));
  EXPECT_EQ(of_optimi("adam_beta2: 0.95\nadam_epsilon: 1e-9\n"),
            (std::vector<double>{0.9, 0.99, 1e-9}))
      << "one beta alone is not handed over";
  EXPECT_EQ(of_optimi("adam_beta1: 0.8\nadam_beta2: 0.95\n"),
            (std::vector<double>{0.8, 0.95, 1e-6}));
}

TEST(Derived, StrategiesFollowFromSteps) {
  EXPECT_EQ(read(kMinimal).config.save_strategy, "epoch");
  EXPECT_EQ(read(kMinimal).config.eval_strategy, "no");
  const Config c =
      read(kMinimal + "saves_per_epoch: 2\nnum_epochs: 2\nval_set_size: 9\nevals_per_epoch: 1\n")
          .config;
  EXPECT_EQ(c.save_strategy, "steps");
  EXPECT_DOUBLE_EQ(c.save_steps_share.value(), 0.25);
  EXPECT_EQ(c.eval_strategy, "steps");
  EXPECT_DOUBLE_EQ(c.eval_steps_share.value(), 0.5);
  EXPECT_EQ(read(kMinimal + "save_steps: 10\n").config.save_strategy, "steps");
  EXPECT_EQ(read(kMinimal + "save_steps: 0.1\n").config.save_steps_share, 0.1);
  EXPECT_EQ(read(kMinimal + "val_set_size: 9\n").config.eval_strategy, "epoch");
  EXPECT_EQ(read(kMinimal + "save_strategy: 'no'\n").config.save_strategy, "no");
  EXPECT_EQ(read(kMinimal + "saves_per_epoch: 1\n").config.save_strategy, "epoch")
      << "a share of 1 is no share";
}

}  // namespace
}  // namespace axl::config
