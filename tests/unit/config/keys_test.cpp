#include "config/schema.hpp"
#include "yaml_case.hpp"

namespace axl::config {
namespace {

TEST(Keys, MinimalFileGivesAxolotlsDefaults) {
  const LoadResult r = read(kMinimal);
  ASSERT_TRUE(r.accepted()) << all(r.errors);
  EXPECT_TRUE(r.warnings.empty()) << all(r.warnings);
  const Config& c = r.config;
  EXPECT_DOUBLE_EQ(c.learning_rate, 2e-5);
  EXPECT_EQ(c.sequence_len, 512);
  EXPECT_EQ(c.lr_scheduler, "cosine");
  EXPECT_EQ(c.save_total_limit, 4);
  EXPECT_EQ(c.output_dir, "./model-out");
  EXPECT_EQ(c.seed, 42);
  EXPECT_EQ(c.dataset_prepared_path, "last_run_prepared");
  EXPECT_EQ(c.adapter, "");
  EXPECT_EQ(c.datasets.at(0).path, "rows.jsonl");
  EXPECT_EQ(c.at("learning_rate").line, 2);
  EXPECT_EQ(c.at("learning_rate").column, 16);
}

struct BadValue {
  const char* line;
  const char* key;
  const char* message;
  int column;
  const char* hint = "";
};

/// GoogleTest would print the bytes, and those between the members have no value.
void PrintTo(const BadValue& value, std::ostream* out) { *out << value.line; }

class BadValues : public testing::TestWithParam<BadValue> {};

TEST_P(BadValues, IsRefusedWithPlaceFoundAndAllowed) {
  const BadValue& p = GetParam();
  const LoadResult r = read(kLora + p.line + "\n");
  ASSERT_FALSE(r.trainable()) << p.line;
  const Finding f = about(r.accepted() ? r.unsupported : r.errors, p.key);
  EXPECT_EQ(f.message, p.message);
  EXPECT_EQ(f.where.file, "a.yaml");
  EXPECT_EQ(f.where.line, 13);
  EXPECT_EQ(f.where.column, p.column);
  EXPECT_EQ(f.hint, p.hint);
}

INSTANTIATE_TEST_SUITE_P(
    Keys, BadValues,
    testing::Values(
        BadValue{"eval_batch_size: eight", "eval_batch_size",
                 "must be an integer from 1 to 1048576; got 'eight'", 18},
        BadValue{"eval_batch_size: -4", "eval_batch_size",
                 "must be an integer from 1 to 1048576; got '-4'", 18},
        BadValue{"sequence_len: 2048.5", "sequence_len",
                 "must be an integer from 2 to 16777216; got '2048.5'", 15},
        BadValue{"sequence_len: yes", "sequence_len",
                 "must be an integer from 2 to 16777216; got the boolean yes", 15},
        BadValue{"seed: 042", "seed", "must be an integer, at least 0; got '042'", 7,
                 "YAML 1.1 reads a leading 0 as octal; write the number without it"},
        BadValue{"num_epochs: 0", "num_epochs",
                 "must be a number, more than 0, at most 1000000; got '0'", 13},
        BadValue{"val_set_size: -1", "val_set_size", "must be a number, at least 0; got '-1'", 15},
        BadValue{"warmup_ratio: 1.5", "warmup_ratio", "must be a number from 0 to 1; got '1.5'",
                 15},
        BadValue{"lora_dropout: .inf", "lora_dropout", "must be a number from 0 to 1; got '.inf'",
                 15},
        BadValue{"max_grad_norm: [1]", "max_grad_norm",
                 "must be a number, at least 0; got a list of 1", 16},
        BadValue{"train_on_inputs: maybe", "train_on_inputs", "must be true or false; got 'maybe'",
                 18},
        BadValue{"output_dir: yes", "output_dir", "must be text; got the boolean yes", 13,
                 "YAML reads this bare word as a boolean; put it in quotes"},
        BadValue{"output_dir: {a: b}", "output_dir", "must be text; got a map", 13},
        BadValue{"excess_length_strategy: dorp", "excess_length_strategy",
                 "must be one of drop, truncate, raise; got 'dorp'", 25, "did you mean 'drop'?"},
        BadValue{"lr_scheduler: cosin", "lr_scheduler",
                 "must be one of cosine, linear, constant, constant_with_warmup; got 'cosin'", 15,
                 "did you mean 'cosine'?"},
        BadValue{"lr_scheduler: one_cycle", "lr_scheduler",
                 "this schedule is not supported yet; got 'one_cycle'", 15,
                 "use cosine, linear or constant_with_warmup"},
        BadValue{"bf16: flase", "bf16", "must be one of auto, true, false, full; got 'flase'", 7},
        BadValue{"fp16: true", "fp16",
                 "f16 needs loss scaling on a GPU and is not supported; got the boolean true", 7,
                 "use bf16: true or bf16: auto"},
        BadValue{"gradient_checkpointing: sometimes", "gradient_checkpointing",
                 "must be true or false; got 'sometimes'", 25},
        BadValue{"save_steps: 1.5", "save_steps",
                 "must be a number of steps (an integer, at least 1) or a share of all steps (more "
                 "than 0, less than 1); got '1.5'",
                 13},
        BadValue{"special_tokens: [a]", "special_tokens", "must be a map; got a list of 1", 17},
        BadValue{"tokens: [a, [b]]", "tokens", "must be a list of text; got a list of 1", 13},
        BadValue{"lora_target_modules: '(q_proj'", "lora_target_modules",
                 "'(q_proj' is not a regular expression: missing closing parenthesis", 22,
                 "a list such as [q_proj, v_proj] names modules by their endings"},
        BadValue{"attn_implementation: flash", "attn_implementation",
                 "must be a full name; got 'flash'", 22, "did you mean 'flash_attention_2'?"},
        BadValue{"tensor_parallel_size: 2", "tensor_parallel_size",
                 "splitting one model or one row over ranks is not supported yet; got '2'", 23,
                 "set tensor_parallel_size to 1: every rank then works on rows of its own"},
        BadValue{"load_in_4bit: 4", "load_in_4bit", "must be true or false; got '4'", 15},
        BadValue{"bnb_config_kwargs: {bnb_4bit_quant_type: nf5}",
                 "bnb_config_kwargs.bnb_4bit_quant_type", "must be nf4 or fp4; got 'nf5'", 42},
        BadValue{"bnb_config_kwargs: {bnb_4bit_use_double_quant: 2}",
                 "bnb_config_kwargs.bnb_4bit_use_double_quant", "must be true or false; got '2'",
                 48},
        BadValue{"bnb_config_kwargs: {bnb_4bit_blocksize: 48}",
                 "bnb_config_kwargs.bnb_4bit_blocksize",
                 "must be a power of two from 32 to 4096; got '48'", 41},
        BadValue{"rl: grpo", "rl",
                 "reinforcement training with generated answers is not supported yet; got 'grpo'",
                 5, "leave the key out to fine-tune on given answers"},
        BadValue{"use_ray: true", "use_ray",
                 "ranks are started by mpirun or srun, not by Ray; leave it out; got the boolean "
                 "true",
                 10},
        BadValue{"save_safetensors: false", "save_safetensors",
                 "weights are always written as safetensors; got the boolean false", 19},
        BadValue{"model_type: AutoModelForSequenceClassification", "model_type",
                 "models with a classification head are not supported yet; got "
                 "'AutoModelForSequenceClassification'",
                 13, "AutoModelForCausalLM is supported"},
        BadValue{"plugins: [axolotl.integrations.diffusion.DiffusionPlugin]", "plugins",
                 "this Python plug-in is not supported; got "
                 "'axolotl.integrations.diffusion.DiffusionPlugin'",
                 11, "leave it out, or keep to Axolotl for this run"}));

TEST(Keys, AQuantisedBaseIsDescribedByBitsandbytesFields) {
  const std::string qlora = kMinimal +
                            "adapter: qlora\nlora_r: 8\nlora_alpha: 16\nlora_target_linear: true\n"
                            "load_in_4bit: true\n";
  const LoadResult plain = read(qlora);
  EXPECT_TRUE(plain.trainable());
  EXPECT_TRUE(plain.warnings.empty()) << all(plain.warnings);
  EXPECT_EQ(plain.config.bnb_4bit_quant_type, "nf4");
  EXPECT_TRUE(plain.config.bnb_4bit_use_double_quant);
  const LoadResult given = read(qlora +
                                "bnb_config_kwargs:\n  bnb_4bit_quant_type: fp4\n"
                                "  bnb_4bit_use_double_quant: false\n  bnb_4bit_blocksize: 128\n"
                                "  llm_int8_threshold: 6.0\n");
  EXPECT_TRUE(given.trainable());
  EXPECT_EQ(given.config.bnb_4bit_quant_type, "fp4");
  EXPECT_FALSE(given.config.bnb_4bit_use_double_quant);
  EXPECT_EQ(given.config.bnb_4bit_blocksize, 128);
  const LoadResult unknown = read(qlora + "bnb_config_kwargs: {bnb_4bit_quant_typ: fp4}\n");
  EXPECT_NE(all(unknown.warnings).find("bnb_4bit_quant_typ"), std::string::npos);
  const LoadResult skipped = read(qlora + "bnb_config_kwargs: {llm_int8_skip_modules: [q_proj]}\n");
  EXPECT_FALSE(skipped.trainable());
  const LoadResult lora = read(kMinimal +
                               "adapter: lora\nlora_r: 8\nlora_alpha: 16\n"
                               "lora_target_linear: true\nload_in_4bit: true\n");
  EXPECT_NE(about(lora.warnings, "load_in_4bit").message.find("into 4 bits"), std::string::npos);
  EXPECT_FALSE(read(kMinimal + "load_in_4bit: true\n").accepted()) << "a full fine-tune";
}

TEST(Keys, UnknownOptimiserAndUnsupportedOptimiserDiffer) {
  std::string yaml = kMinimal.substr(0, kMinimal.find("optimizer"));
  EXPECT_EQ(about(read(yaml + "optimizer: muon\n").unsupported, "optimizer").message,
            "this optimiser is not supported yet; got 'muon'");
  EXPECT_EQ(about(read(yaml + "optimizer: adamw_trch\n").errors, "optimizer").hint,
            "did you mean 'adamw_torch'?");
  const LoadResult eight = read(yaml + "optimizer: adamw_torch_4bit\n");
  EXPECT_TRUE(eight.accepted());
  EXPECT_NE(about(eight.warnings, "optimizer").message.find("f32 states"), std::string::npos);
}

TEST(Keys, AllProblemsAtOnceInTheFilesOrder) {
  const LoadResult r = read(
      "learning_rate: fast\nmicro_batch_size: 0\ndatasets:\n  - type: alpac\noptimizer: x\n"
      "val_set_size: -1\nlr_scheduler: y\ngradient_accumulation_steps: 1\n");
  EXPECT_GE(r.errors.size(), 7u) << all(r.errors);
  for (std::size_t i = 1; i < r.errors.size(); ++i)
    EXPECT_LE(r.errors[i - 1].where.line, r.errors[i].where.line);
  EXPECT_EQ(about(r.errors, "base_model").message, "is required");
  EXPECT_EQ(about(r.errors, "datasets.0.path").where.line, 4);
}

TEST(Keys, UnknownKeysWarnAndStrictRefuses) {
  const std::string yaml = kMinimal + "context_parapllel_size: 2\nadam_eps: 1e-6\n";
  const LoadResult r = read(yaml);
  EXPECT_TRUE(r.accepted());
  EXPECT_EQ(about(r.warnings, "context_parapllel_size").hint,
            "did you mean 'context_parallel_size'?");
  EXPECT_EQ(about(r.warnings, "adam_eps").where.line, 10);
  EXPECT_EQ(r.ignored, (std::vector<std::string>{"adam_eps", "context_parapllel_size"}));
  LoadOptions strict;
  strict.strict = true;
  const LoadResult s = read(yaml, strict);
  EXPECT_FALSE(s.accepted());
  EXPECT_EQ(about(s.errors, "context_parapllel_size").message, "unknown key");
}

TEST(Keys, ValuesThatAreOffAskForNothing) {
  const LoadResult r = read(kMinimal +
                            "load_in_8bit: false\nload_in_4bit: no\nrl:\nrelora: false\n"
                            "peft_use_dora: false\nuse_ray: false\ntensor_parallel_size: 1\n"
                            "deepspeed:\nfsdp_config:\nwandb_project:\nfp16: false\n"
                            "pretraining_dataset:\nresume_from_checkpoint:\n");
  EXPECT_TRUE(r.accepted()) << all(r.errors);
  EXPECT_TRUE(r.warnings.empty()) << all(r.warnings);
  EXPECT_TRUE(r.ignored.empty());
}

TEST(Keys, NoticesSayWhyAKeyHasNoEffect) {
  const LoadResult r = read(kMinimal + "tf32: true\nwandb_project: p\nlora_mlp_kernel: true\n");
  EXPECT_TRUE(r.accepted());
  EXPECT_TRUE(r.ignored.empty()) << "Axolotl knows these keys";
  EXPECT_NE(about(r.notices, "tf32").message.find("NVIDIA"), std::string::npos);
  EXPECT_NE(about(r.notices, "wandb_project").message.find("metrics.jsonl"), std::string::npos);
}

TEST(Keys, AliasesGiveTheirValueAndSaySo) {
  const LoadResult r = read(kMinimal +
                            "dataset_processes: 4\nevaluation_strategy: epoch\nval_set_size: 5\n"
                            "flash_attention: true\ntype_of_model: AutoModelForCausalLM\n");
  EXPECT_TRUE(r.accepted()) << all(r.errors);
  EXPECT_EQ(r.config.dataset_num_proc, 4);
  EXPECT_EQ(r.config.eval_strategy, "epoch");
  EXPECT_EQ(about(r.warnings, "dataset_processes").hint, "write dataset_num_proc");
  EXPECT_EQ(about(r.warnings, "flash_attention").hint,
            "write attn_implementation: flash_attention_2");
  EXPECT_EQ(effective(r)["attn_implementation"], "flash_attention_2");
  const LoadResult both = read(kMinimal + "dataset_processes: 4\ndataset_num_proc: 2\n");
  EXPECT_EQ(about(both.errors, "dataset_processes").message,
            "is another name of dataset_num_proc, which is given too");
}

TEST(Keys, NumbersInQuotesAndYaml11Booleans) {
  const LoadResult r = read(kLora +
                            "lora_dropout: \"0.1\"\nnum_epochs: \"3\"\nsample_packing: yes\n"
                            "weight_decay: 1e-2\nmax_steps: 1_000\n");
  ASSERT_TRUE(r.accepted()) << all(r.errors);
  EXPECT_DOUBLE_EQ(r.config.lora_dropout, 0.1);
  EXPECT_DOUBLE_EQ(r.config.num_epochs, 3.0);
  EXPECT_TRUE(r.config.sample_packing);
  EXPECT_DOUBLE_EQ(r.config.weight_decay, 0.01);
  EXPECT_EQ(r.config.max_steps, 1000);
}

TEST(Keys, SpecialTokensAndTokens) {
  const LoadResult r =
      read(kMinimal +
           "special_tokens:\n  pad_token: <pad>\n  bos_token:\n"
           "  additional_special_tokens: [<a>, <b>]\n  pad_tokn: x\ntokens: [t]\n");
  ASSERT_TRUE(r.accepted()) << all(r.errors);
  EXPECT_EQ(r.config.special_tokens.at("pad_token"), "<pad>");
  EXPECT_EQ(r.config.special_tokens.count("bos_token"), 0u);
  EXPECT_EQ(r.config.additional_special_tokens, (std::vector<std::string>{"<a>", "<b>"}));
  EXPECT_EQ(about(r.warnings, "special_tokens.pad_tokn").hint, "did you mean 'pad_token'?");
  EXPECT_EQ(r.config.tokens, (std::vector<std::string>{"t"}));
}

TEST(Keys, TargetModulesAsListEndingRegexAndAllLinear) {
  const std::string base = kMinimal + "adapter: lora\nlora_r: 8\nlora_alpha: 16\n";
  EXPECT_EQ(
      read(base + "lora_target_modules: [q_proj, v_proj]\n").config.lora_target_modules.size(), 2u);
  EXPECT_FALSE(read(base + "lora_target_modules: q_proj\n").config.lora_target_is_regex);
  const Config regex = read(base + "lora_target_modules: 'layers\\.[0-3]\\..*_proj'\n").config;
  EXPECT_TRUE(regex.lora_target_is_regex);
  EXPECT_TRUE(read(base + "lora_target_modules: '.*(?<!k)_proj'\n").accepted()) << "as Python's re";
  EXPECT_TRUE(read(base + "lora_target_modules: all-linear\n").config.lora_target_linear);
}

TEST(Keys, TemplateKwargsKeepTheirTypes) {
  const LoadResult r = read(kMinimal + "chat_template_kwargs: {enable_thinking: no, n: 3, s: x}\n");
  EXPECT_EQ(r.config.chat_template_kwargs.at("enable_thinking"), "false");
  EXPECT_EQ(r.config.chat_template_kwargs.at("n"), "3");
  EXPECT_EQ(r.config.chat_template_kwargs.at("s"), "\"x\"");
}

TEST(Keys, EveryKeyIsDeclaredOnceAndSaysWhatItDoes) {
  std::size_t keys = 0;
  for (const ConfigSection& section : sections())
    for (const ConfigKey& key : section.keys) {
      ++keys;
      EXPECT_EQ(find_key(key.name), &key) << key.name;
      if (key.action == Action::alias) {
        EXPECT_NE(find_key(key.target), nullptr) << key.name;
      } else {
        EXPECT_FALSE(key.doc.empty()) << key.name;
      }
      if (key.action == Action::implement) {
        EXPECT_TRUE(key.reader || key.member.index() != 0) << key.name;
      }
    }
  EXPECT_GT(keys, 350u);
}

}  // namespace
}  // namespace axl::config
