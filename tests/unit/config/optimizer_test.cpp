// optim_args: what each optimiser takes, in both forms, and one clear error for what it does not.
#include "yaml_case.hpp"

namespace axl::config {
namespace {

std::string with(const std::string& optimizer, const std::string& more = "") {
  std::string yaml = kMinimal;
  yaml.replace(yaml.find("optimizer:"), std::string::npos, "optimizer: " + optimizer + "\n");
  return yaml + more;
}

using Args = std::map<std::string, double>;

TEST(OptimizerKeys, ArgumentsAreAMapOrText) {
  for (const char* args : {"{momentum: 0.9, nesterov: true}", "momentum=0.9, nesterov=True",
                           "\"momentum = 0.9,nesterov=yes\"", "{momentum: '0.9', nesterov: 1}"}) {
    const LoadResult r = read(with("sgd", std::string("optim_args: ") + args + "\n"));
    EXPECT_TRUE(r.trainable()) << args << all(r.errors);
    EXPECT_EQ(r.config.optim_args, (Args{{"momentum", 0.9}, {"nesterov", 1.0}})) << args;
  }
  const LoadResult r =
      read(with("adafactor",
                "optim_args: {eps: [1.0e-30, 1.0e-3], beta1: 0.9, decay_rate: -0.8,\n"
                "  scale_parameter: false}\n"));
  EXPECT_TRUE(r.trainable()) << all(r.errors);
  EXPECT_EQ(r.config.optim_args.at("eps2"), 1e-3);
  EXPECT_NE(about(r.warnings, "optim_args").message.find("works here"), std::string::npos);
}

TEST(OptimizerKeys, WrongArgumentsAreOneClearError) {
  struct Wrong {
    const char *optimizer, *args, *says;
  };
  for (const Wrong& w : {Wrong{"sgd", "{momentun: 0.9}", "no argument 'momentun'"},
                         {"sgd", "{momentum: fast}", "must be a number"},
                         {"sgd", "{momentum: 1.0}", "from 0 to below 1"},
                         {"sgd", "{momentum: -0.1}", "from 0 to below 1"},
                         {"sgd", "{nesterov: true}", "needs a momentum"},
                         {"sgd", "{nesterov: 2}", "true or false"},
                         {"sgd", "{weight_decay: 0.1}", "a key of its own"},
                         {"sgd", "momentum", "name=value"},
                         {"sgd", "[0.9]", "must be a map or text"},
                         {"sgd", "{beta1: 0.9}", "it takes momentum"},
                         {"adafactor", "{warmup_init: true}", "needs relative_step"},
                         {"adafactor", "{eps: [1, 2, 3]}", "two numbers"},
                         {"adafactor", "{eps: 0}", "more than 0"},
                         {"adafactor", "{decay_rate: 0.8}", "from -10 to 0"},
                         {"adamw_torch", "{beta1: 0.9}", "takes none"},
                         {"adamw_bnb_8bit", "{min_8bit_size: 1}", "takes none"}}) {
    const LoadResult r = read(with(w.optimizer, std::string("optim_args: ") + w.args + "\n"));
    ASSERT_EQ(r.errors.size(), 1u) << w.args << all(r.errors);
    EXPECT_NE(r.errors[0].message.find(w.says), std::string::npos) << to_string(r.errors[0]);
    EXPECT_EQ(r.errors[0].where.line, 9) << w.args;
  }
  EXPECT_NE(read(with("sgd", "optim_args: {momentun: 0.9}\n")).errors.at(0).hint.find("'momentum'"),
            std::string::npos);
}

TEST(OptimizerKeys, WhatHasNoEffectIsSaid) {
  const LoadResult sgd = read(with("sgd", "adam_beta1: 0.8\n"));
  EXPECT_TRUE(sgd.trainable()) << all(sgd.errors);
  about(sgd.warnings, "adam_beta1");
  about(read(with("adafactor", "optim_args: {relative_step: true}\n")).warnings, "learning_rate");
  for (const char* name :
       {"adamw_bnb_8bit", "adamw_8bit", "paged_adamw_8bit", "sgd", "adafactor"}) {
    const LoadResult r = read(with(name));
    EXPECT_TRUE(r.trainable()) << name;
    EXPECT_TRUE(r.warnings.empty()) << name << all(r.warnings);
  }
  EXPECT_NE(about(read(with("ao_adamw_8bit")).warnings, "optimizer").message.find("torchao"),
            std::string::npos);
}

TEST(OptimizerKeys, ARateOfTheEmbeddingsNeedsNoRateOfTheRun) {
  std::string yaml = with("adamw_torch", "embedding_lr: 0.001\n");
  yaml.replace(yaml.find("2e-5"), 4, "0");
  EXPECT_TRUE(read(yaml).trainable()) << all(read(yaml).unsupported);
}

}  // namespace
}  // namespace axl::config
