#include <filesystem>

#include "support/paths.hpp"
#include "yaml_case.hpp"

namespace axl::config {
namespace {

const std::string kHead =
    "base_model: m\nlearning_rate: 1e-4\nmicro_batch_size: 1\ngradient_accumulation_steps: 1\n";

LoadResult with_dataset(const std::string& lines, const std::string& more = "") {
  return read(kHead + more + "datasets:\n  - path: d.jsonl\n" + lines);
}

TEST(Dataset, ChatTemplateWithMappings) {
  const LoadResult r = with_dataset(
      "    type: chat_template\n    field_messages: conversations\n"
      "    message_property_mappings: {role: from, content: value}\n"
      "    roles:\n      assistant: [gpt, model]\n      user: [human]\n"
      "    roles_to_train: [assistant]\n    train_on_eos: last\n",
      "chat_template: llama3\n");
  ASSERT_TRUE(r.accepted()) << all(r.errors);
  const DatasetConfig& d = r.config.datasets.at(0);
  EXPECT_EQ(d.message_property_mappings.at("role"), "from");
  EXPECT_EQ(d.roles.at("assistant"), (std::vector<std::string>{"gpt", "model"}));
  EXPECT_EQ(d.roles.at("user"), (std::vector<std::string>{"human"}));
  EXPECT_EQ(d.roles.count("system"), 0u) << "a given map replaces the default";
  EXPECT_EQ(d.train_on_eot, "last") << "follows train_on_eos";
  EXPECT_EQ(d.chat_template, "llama3") << "inherited";
}

TEST(Dataset, WithoutATemplateTheTokenizersIsUsed) {
  EXPECT_EQ(with_dataset("    type: chat_template\n").config.datasets[0].chat_template,
            "tokenizer_default");
  EXPECT_EQ(with_dataset("    type: alpaca\n").config.datasets[0].chat_template, "");
  const Config c =
      with_dataset("    type: chat_template\n", "chat_template_jinja: '{{ x }}'\n").config;
  EXPECT_EQ(c.chat_template, "jinja");
  EXPECT_EQ(c.datasets[0].chat_template_jinja, "{{ x }}");
}

TEST(Dataset, ATemplatesTextNeedsItsNameAsInAxolotl) {
  const std::string lines = "    type: chat_template\n    chat_template_jinja: '{{ x }}'\n";
  const LoadResult ignored = with_dataset(lines, "chat_template: llama3\n");
  EXPECT_EQ(ignored.config.datasets[0].chat_template, "llama3");
  EXPECT_EQ(about(ignored.warnings, "datasets.0.chat_template_jinja").where.line, 9);
  EXPECT_EQ(with_dataset(lines + "    chat_template: jinja\n").config.datasets[0].chat_template,
            "jinja");
  const LoadResult role = with_dataset("    type: chat_template\n    roles: {user: human}\n");
  EXPECT_EQ(about(role.errors, "datasets.0.roles.user").hint, "write it as a list: [...]");
}

TEST(Dataset, OldMessageFieldsGoIntoTheMapping) {
  const LoadResult r = with_dataset(
      "    type: chat_template\n    message_field_role: from\n    message_field_content: value\n");
  ASSERT_TRUE(r.accepted()) << all(r.errors);
  EXPECT_EQ(r.config.datasets[0].message_property_mappings.at("content"), "value");
  EXPECT_EQ(about(r.warnings, "datasets.0.message_field_role").hint,
            "write message_property_mappings: {role: from}");
  const LoadResult conflict = with_dataset(
      "    type: chat_template\n    message_field_role: from\n"
      "    message_property_mappings: {role: speaker}\n");
  EXPECT_EQ(about(conflict.errors, "datasets.0.message_field_role").message,
            "conflicts with message_property_mappings.role");
}

TEST(Dataset, SharegptIsTranslated) {
  const LoadResult r = with_dataset("    type: sharegpt\n");
  ASSERT_TRUE(r.accepted()) << all(r.errors);
  EXPECT_EQ(r.config.datasets[0].type, "chat_template");
  EXPECT_EQ(r.config.datasets[0].field_messages, "conversations");
  EXPECT_EQ(r.warnings.size(), 1u);
}

TEST(Dataset, TypesKnownUnknownAndNotYet) {
  for (const char* type : {"alpaca", "alpaca:chat", "alpaca:phi", "alpaca_w_system.load_open_orca",
                           "chat_template.default", "completion", "alpaca.load", "input_output"})
    EXPECT_TRUE(with_dataset(std::string("    type: ") + type + "\n").accepted()) << type;
  const Finding near = about(with_dataset("    type: alpac\n").errors, "datasets.0.type");
  EXPECT_EQ(near.where.line, 7);
  EXPECT_EQ(near.where.column, 11);
  EXPECT_EQ(near.hint, "did you mean 'alpaca'?");
  EXPECT_EQ(about(with_dataset("    type: alpaca:cht\n").errors, "datasets.0.type").hint,
            "did you mean 'alpaca:chat'?");
  EXPECT_EQ(
      about(with_dataset("    type: creative_acr.load_answer\n").unsupported, "datasets.0.type")
          .message,
      "this type is not supported yet; got 'creative_acr.load_answer'");
  EXPECT_EQ(
      about(with_dataset("    type: my_module.transform\n").unsupported, "datasets.0.type").message,
      "strategies in Python cannot be loaded; got 'my_module.transform'");
}

TEST(Dataset, AMapIsATypeOfTheUsersOwn) {
  const LoadResult r = with_dataset(
      "    type:\n      field_instruction: q\n      field_output: a\n      format: 'Q: "
      "{instruction}'\n"
      "      feild_system: s\n");
  ASSERT_TRUE(r.accepted()) << all(r.errors);
  EXPECT_EQ(r.config.datasets[0].user_defined.at("field_output"), "a");
  EXPECT_EQ(about(r.warnings, "datasets.0.type.feild_system").hint, "did you mean 'field_system'?");
  EXPECT_EQ(about(with_dataset("    type: {no_input_format: 'x {input}'}\n").errors,
                  "datasets.0.type.no_input_format")
                .message,
            "must not hold {input}: it is for rows without one");
}

TEST(Dataset, ListsAndEntriesOfTheWrongKind) {
  EXPECT_EQ(about(read(kHead + "datasets: rows.jsonl\n").errors, "datasets").message,
            "must be a list of data sets; got 'rows.jsonl'");
  EXPECT_EQ(about(read(kHead + "datasets: []\n").errors, "datasets").message,
            "must hold at least one data set; got a list of 0");
  EXPECT_EQ(about(read(kHead + "datasets: [x]\n").errors, "datasets.0").message,
            "must be a map with path and type; got 'x'");
  EXPECT_EQ(about(read(kHead).errors, "datasets").message, "is required: the list of data sets");
}

TEST(Dataset, ShardsAndEnumerations) {
  EXPECT_EQ(about(with_dataset("    type: alpaca\n    shards: 2\n    shards_idx: 2\n").errors,
                  "datasets.0.shards_idx")
                .message,
            "must be less than shards (2); got 2");
  EXPECT_EQ(about(with_dataset("    type: alpaca\n    train_on_eos: trun\n").errors,
                  "datasets.0.train_on_eos")
                .hint,
            "did you mean 'turn'?");
  EXPECT_EQ(
      about(with_dataset("    type: alpaca\n    feild: text\n").warnings, "datasets.0.feild").hint,
      "did you mean 'field'?");
  EXPECT_TRUE(with_dataset("    type: alpaca\n    data_files: a.json\n").accepted());
}

TEST(Dataset, TestDatasetsAreReadFromTheTestSplit) {
  const LoadResult r =
      read(kHead +
           "datasets:\n  - {path: a, type: alpaca}\ntest_datasets:\n"
           "  - {path: a, type: alpaca}\n  - {path: b, type: alpaca, split: dev}\n");
  ASSERT_TRUE(r.accepted()) << all(r.errors);
  EXPECT_EQ(r.config.datasets.at(0).split, "train");
  EXPECT_EQ(r.config.test_datasets.at(0).split, "test");
  EXPECT_EQ(r.config.test_datasets.at(1).split, "dev");
}

TEST(Dataset, AShardNeedsNumberAndIndex) {
  const std::string rows = kHead + "datasets:\n  - {path: a, type: alpaca}\n";
  const LoadResult r = read(rows + "dataset_shard_num: 4\n");
  ASSERT_TRUE(r.accepted()) << all(r.errors);
  EXPECT_EQ(about(r.warnings, "dataset_shard_num").message,
            "has no effect without dataset_shard_idx");
  EXPECT_EQ(about(read(rows + "dataset_shard_idx: 0\n").warnings, "dataset_shard_idx").message,
            "has no effect without dataset_shard_num");
}

TEST(Files, MissingFilesAreFoundApart) {
  const LoadResult r = read(kHead +
                            "chat_template_jinja: nowhere.jinja\nlora_model_dir:\n"
                            "datasets:\n  - path: ./no.jsonl\n    type: alpaca\n"
                            "  - path: json\n    data_files: [x.json]\n    type: alpaca\n");
  ASSERT_TRUE(r.accepted()) << all(r.errors);
  const auto missing = check_files(r.config);
  EXPECT_EQ(about(missing, "datasets.0.path").message, "no such file or folder: './no.jsonl'");
  EXPECT_EQ(about(missing, "datasets.0.path").where.line, 8);
  EXPECT_EQ(about(missing, "datasets.1.data_files").message, "no such file: 'x.json'");
  EXPECT_EQ(about(missing, "chat_template_jinja").where.line, 5);
  EXPECT_NE(about(missing, "base_model").hint.find("looked for it from"), std::string::npos);
  EXPECT_EQ(missing.size(), 4u) << all(missing);
}

TEST(Files, WhatIsThereIsNotMissing) {
  // Paths of the quickstart are relative to the project's root, where it is started.
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(test::source_dir());
  const LoadResult r = load("configs/quickstart.yaml", {});
  for (const Finding& f : check_files(r.config))
    EXPECT_EQ(f.where.key, "base_model") << to_string(f);
  std::filesystem::current_path(before);
}

}  // namespace
}  // namespace axl::config
