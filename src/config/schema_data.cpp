#include "config/readers.hpp"
#include "config/schema.hpp"

namespace axl::config {

ConfigSection data_section() {
  using enum Kind;
  ConfigSection s{
      "Data",
      {
          key("datasets", &Config::dataset_prepared_path,
              "List of data sets; see 'One entry of datasets' below.")
              .read_by(&read_datasets)
              .of_kind(Kind::any),
          key("test_datasets", &Config::dataset_prepared_path,
              "List of data sets for evaluation, in place of val_set_size.")
              .read_by(&read_datasets)
              .of_kind(Kind::any),
          key("val_set_size", &Config::val_set_size,
              "Evaluation rows taken from the end of the (shuffled) data: up to 1 a share, above 1 "
              "a number of rows, 0 none.")
              .at_least(0),
          key("shuffle_merged_datasets", &Config::shuffle_merged_datasets,
              "Shuffle the rows, by the seed, after the data sets were put together."),
          key("curriculum_sampling", &Config::curriculum_sampling,
              "Keep the order of the rows in every epoch."),
          key("dataset_prepared_path", &Config::dataset_prepared_path,
              "Folder of the prepared (tokenised) data sets, keyed by a hash of their content."),
          key("excess_length_strategy", &Config::excess_length_strategy,
              "What happens to rows longer than sequence_len.")
              .one_of({"drop", "truncate", "raise"}),
          key("min_sample_len", &Config::min_sample_len, "Shortest row that is kept, in tokens.")
              .at_least(1),
          key("train_on_inputs", &Config::train_on_inputs, "Prompts are learned too."),
          key("dataset_num_proc", &Config::dataset_num_proc,
              "Threads that tokenise; 0 means the cores of this rank.")
              .at_least(0),
          alias("dataset_processes", "dataset_num_proc"),
          key("dataset_exact_deduplication", &Config::dataset_exact_deduplication,
              "Rows that occur again are dropped."),
          key("dataset_near_deduplication", &Config::dataset_near_deduplication,
              "Rows whose runs of five tokens agree at least to this share (MinHash) with an "
              "earlier row are dropped, for example 0.8; 0 is off. Not in Axolotl.")
              .at_least(0)
              .at_most(1),
          key("shuffle_before_merging_datasets", &Config::shuffle_before_merging_datasets,
              "Shuffle each of several data sets on its own before they are put together."),
          key("dataset_shard_num", &Config::dataset_shard_num,
              "Cut the merged rows (and those of test_datasets) in so many parts and take the one "
              "of dataset_shard_idx.")
              .at_least(1),
          key("dataset_shard_idx", &Config::dataset_shard_idx, "The part that is taken, from 0.")
              .at_least(0),
          key("dataset_mixing", &Config::dataset_mixing,
              "How several data sets become one: one after another, each `weight` times; or "
              "interleaved, drawn in proportion to `weight` until all are used up. Not in Axolotl.")
              .one_of({"concatenate", "interleave"}),
          key("dataset_mixing_temperature", &Config::dataset_mixing_temperature,
              "Data sets are taken in proportion to rows^(1/temperature): 1 is their size, large "
              "values make them equal. Not in Axolotl.")
              .more_than(0),
          key("curriculum_order", &Config::curriculum_order,
              "Sort the rows by their tokens and keep that order (with curriculum_sampling). Not "
              "in Axolotl.")
              .one_of({"length", "length_descending"}),
          key("token_dropout", &Config::token_dropout,
              "Share of the input tokens without a label that are replaced by the pad token, anew "
              "in every epoch. Not in Axolotl.")
              .at_least(0)
              .at_most(0.9),
          key("pretraining_dataset", &Config::dataset_prepared_path,
              "Texts that are read while training goes on: one path or a list of data sets with "
              "path, name, split, text_column, skip, data_files. Needs max_steps.")
              .read_by(&read_pretraining_datasets)
              .of_kind(Kind::any),
          key("streaming", &Config::streaming,
              "Read, tokenise and pack the rows while training goes on instead of before. Needs "
              "max_steps."),
          key("streaming_multipack_buffer_size", &Config::streaming_multipack_buffer_size,
              "Rows that are shuffled and packed together in a stream.")
              .at_least(1)
              .at_most(1 << 24),
          alias("pretrain_multipack_buffer_size", "streaming_multipack_buffer_size"),
          key("pretraining_sample_concatenation", &Config::pretraining_sample_concatenation,
              "Without sample_packing, texts of a stream are joined up to sequence_len."),
      }};
  for (ConfigKey& k : s.keys)
    if (k.name == "datasets" || k.name == "test_datasets" || k.name == "pretraining_dataset")
      k.member = std::monostate{};
  add(s.keys, Action::notice,
      {{"dataset_keep_in_memory", boolean},
       {"dataloader_num_workers", integer},
       {"dataloader_pin_memory", boolean},
       {"dataloader_prefetch_factor", integer},
       {"num_dataset_shards_to_save", integer}},
      "the prepared data set is one memory-mapped file, read without worker processes");
  add(s.keys, Action::notice,
      {{"remove_unused_columns", boolean},
       {"is_preprocess", boolean},
       {"preprocess_iterable", boolean},
       {"total_num_tokens", integer},
       {"total_supervised_tokens", integer},
       {"axolotl_config_path", text}},
      "internal to the Python trainer");
  add(s.keys, Action::notice, {{"pretrain_multipack_attn", boolean}},
      "attention never crosses from one packed row to another");
  add(s.keys, Action::later, {{"skip_prepare_dataset", boolean}},
      "skipping the preparation is not supported yet; rows with input_ids, attention_mask and "
      "labels are taken as they are without it");
  add(s.keys, Action::later, {{"dataloader_drop_last", boolean}},
      "dropping the last short batch is not supported yet; leave it out");
  add(s.keys, Action::later, {{"group_by_length", boolean}},
      "grouping rows by length is not supported yet; sample_packing avoids padding altogether");
  add(s.keys, Action::later, {{"push_dataset_to_hub", text}}, "nothing is uploaded");
  return s;
}

ConfigSection sequence_section() {
  using enum Kind;
  ConfigSection s{
      "Sequence length and packing",
      {
          key("sequence_len", &Config::sequence_len, "Length of a row, in tokens.")
              .at_least(2)
              .at_most(1 << 24),
          key("eval_sequence_len", &Config::eval_sequence_len,
              "Length of a row of test_datasets, in tokens; rows of val_set_size have "
              "sequence_len.")
              .at_least(2)
              .at_most(1 << 24)
              .derived("sequence_len"),
          key("sample_packing", &Config::sample_packing,
              "Several samples share a row; attention never crosses from one to another."),
          key("eval_sample_packing", &Config::eval_sample_packing, "Packing in evaluation.")
              .derived("sample_packing"),
          key("sample_packing_group_size", &Config::sample_packing_group_size,
              "Samples that are packed together in one round.")
              .at_least(1),
          key("sample_packing_bin_size", &Config::sample_packing_bin_size,
              "Most samples in one row.")
              .at_least(1),
          key("sample_packing_sequentially", &Config::sample_packing_sequentially,
              "Fill rows in the order of the samples."),
          key("pad_to_sequence_len", &Config::pad_to_sequence_len,
              "Rows count as sequence_len long. The arithmetic leaves padding out either way.")
              .derived("true with sample_packing"),
      }};
  add(s.keys, Action::notice,
      {{"sample_packing_mp_start_method", text}, {"sample_packing_eff_est", number}},
      "packing is exact and planned before training");
  add(s.keys, Action::notice,
      {{"multipack_real_batches", boolean},
       {"pad_to_multiple_of", integer},
       {"batch_flattening", boolean_or_word, {"auto"}}},
      "padding is never computed, so the layout of a batch in memory cannot change the result");
  add(s.keys, Action::later,
      {{"use_pose", boolean},
       {"pose_max_context_len", integer},
       {"pose_num_chunks", integer},
       {"pose_split_on_token_ids", integer_list}},
      "extending the context by PoSE is not supported yet");
  add(s.keys, Action::notice, {{"max_prompt_len", integer}},
      "only has an effect in preference training");
  return s;
}

const std::vector<std::string_view>& dataset_types() {
  static const std::vector<std::string_view> list{"alpaca",
                                                  "alpaca_instruct",
                                                  "alpaca_instruct.load_no_prompt",
                                                  "alpaca_chat",
                                                  "alpaca_chat.load_concise",
                                                  "alpaca_chat.load_qa",
                                                  "alpaca_chat.load_camel_ai",
                                                  "alpaca_chat.load_no_prompt",
                                                  "alpaca_w_system",
                                                  "alpaca_w_system.load_instruct",
                                                  "alpaca_w_system.load_chat",
                                                  "alpaca_w_system.load_open_orca",
                                                  "alpaca_w_system.load_open_orca_chatml",
                                                  "chat_template",
                                                  "chat_template.default",
                                                  "completion",
                                                  "input_output",
                                                  "gpteacher",
                                                  "oasst",
                                                  "jeopardy",
                                                  "orcamini",
                                                  "explainchoice",
                                                  "concisechoice",
                                                  "summarizetldr",
                                                  "context_qa",
                                                  "context_qa.load_404",
                                                  "context_qa.load_v2",
                                                  "metharme",
                                                  "reflection",
                                                  "pygmalion",
                                                  "llama2_chat",
                                                  "messages",
                                                  "messages.chat",
                                                  "pretrain",
                                                  "stepwise_supervised",
                                                  "bradley_terry.chat_template",
                                                  "_synthetic",
                                                  "pretokenized"};
  return list;
}

const std::vector<std::string_view>& preference_types() {
  static const std::vector<std::string_view> list{"chat_template.argilla_chat",
                                                  "chat_template.argilla",
                                                  "chatml",
                                                  "chatml.icr",
                                                  "chatml.intel",
                                                  "chatml.prompt_pairs",
                                                  "chatml.ultra",
                                                  "chatml.argilla",
                                                  "chatml.argilla_chat",
                                                  "llama3",
                                                  "llama3.icr",
                                                  "llama3.intel",
                                                  "llama3.prompt_pairs",
                                                  "llama3.ultra",
                                                  "llama3.argilla",
                                                  "llama3.argilla_chat",
                                                  "zephyr.nectar",
                                                  "passthrough"};
  return list;
}

const std::vector<std::string_view>& styled_dataset_types() {
  static const std::vector<std::string_view> list{"alpaca",     "gpteacher",     "oasst",
                                                  "jeopardy",   "explainchoice", "concisechoice",
                                                  "reflection", "summarizetldr"};
  return list;
}

const std::vector<std::string_view>& prompt_styles() {
  static const std::vector<std::string_view> list{"instruct", "chat", "chatml", "phi"};
  return list;
}

const std::vector<DatasetKey>& dataset_keys() {
  using D = DatasetConfig;
  static const std::vector<DatasetKey> list = [] {
    std::vector<DatasetKey> keys{
        key("path", &D::path,
            "A file of rows (.json, .jsonl, .csv, .txt, .parquet, .arrow, also .gz and .zst), a "
            "folder of such files, or a pattern, seen from where the program runs, else from the "
            "YAML's folder; or the name of a Hugging Face data set. With data_files also a "
            "loader's name such as json.")
            .is_required(),
        key("type", &D::type,
            "How a row becomes text: a name from the list below, or a map of your own fields and "
            "formats. Without one the first rows are looked at.")
            .read_by(&read_dataset_type),
        key("data_files", &D::data_files,
            "Files seen from where the program runs, as in Axolotl, else inside of path.")
            .takes_one(),
        key("ds_type", &D::ds_type, "Kind of the files.")
            .one_of({"json", "text", "csv", "parquet", "arrow"}),
        key("name", &D::name, "Subsets of a Hugging Face data set.").takes_one(),
        key("revision", &D::revision, "Branch, tag or commit of a Hugging Face data set."),
        key("weight", &D::weight,
            "How many times the rows are taken (a fraction takes a share of them), or their "
            "share with dataset_mixing: interleave. Not in Axolotl.")
            .more_than(0),
        key("preprocess_command", &D::preprocess_command,
            "A program, with arguments, that reads the rows as JSON lines and writes those to use. "
            "Not in Axolotl."),
        key("row_transforms", &D::row_transforms,
            "Changes of every row, in order: strip COLUMN, lower COLUMN, rename OLD NEW, drop "
            "COLUMN, set COLUMN TEXT, require COLUMN. Not in Axolotl.")
            .takes_one(),
        key("split", &D::split,
            "Name of the split, also with a range: train[:500], train[10%:20%].")
            .derived("train; test in test_datasets"),
        key("shards", &D::shards, "Cut the rows in so many parts and take one.").at_least(1),
        key("shards_idx", &D::shards_idx, "The part that is taken, from 0.").at_least(0),
        key("field", &D::field, "Column of the text (completion)."),
        key("field_messages", &D::field_messages, "Column of the conversation (chat_template)."),
        key("field_tools", &D::field_tools, "Column of the tools' declarations."),
        key("field_thinking", &D::field_thinking, "Property of a message that holds its thinking."),
        key("template_thinking_key", &D::template_thinking_key,
            "Name under which the template knows it."),
        key("split_thinking", &D::split_thinking, "Cut <think>...</think> out of the content."),
        key("message_property_mappings", &D::message_property_mappings,
            "Map from the template's names (role, content) to the row's.")
            .read_by(&read_mappings),
        key("message_field_training", &D::message_field_training,
            "Property of a message: a boolean that says whether it is learned."),
        key("message_field_training_detail", &D::message_field_training_detail,
            "Property of a message: a list of {begin_offset, end_offset, train} in characters."),
        key("roles", &D::roles, "Map from the template's roles to lists of the data's.")
            .read_by(&read_roles),
        key("roles_to_train", &D::roles_to_train, "Roles whose messages are learned."),
        key("train_on_eos", &D::train_on_eos, "Which end-of-sequence tokens are learned.")
            .one_of({"all", "turn", "last", "none"}),
        key("train_on_eot", &D::train_on_eot, "Which end-of-turn tokens are learned.")
            .one_of({"all", "turn", "last", "none"})
            .derived("train_on_eos"),
        key("chat_template", &D::chat_template, "Template of this data set.")
            .read_by(&read_dataset_template)
            .derived("the top-level chat_template, else tokenizer_default"),
        key("chat_template_jinja", &D::chat_template_jinja,
            "Jinja text or file of this data set's template; needs chat_template: jinja."),
        key("drop_system_message", &D::drop_system_message, "Leave a leading system message out."),
        key("conversation", &D::conversation, "Prompt layout of alpaca_chat.")
            .one_of({"instruct", "chat", "chatml", "phi"}),
        key("text_column", &D::text_column, "Column of the text (pretraining_dataset)."),
        key("skip", &D::skip, "Rows left out at the start (pretraining_dataset).").at_least(0),
        key("field_chosen", &D::field_chosen, "Column of the better answer (rl)."),
        key("field_rejected", &D::field_rejected, "Column of the worse answer (rl)."),
        key("step_separator", &D::step_separator, "Text after every step (stepwise_supervised)."),
        key("max_completion_length", &D::max_completion_length,
            "Most tokens of all steps together (stepwise_supervised).")
            .at_least(1),
        key("train_on_last_step_only", &D::train_on_last_step_only,
            "Only the last step has a label (stepwise_supervised)."),
        key("length", &D::length, "Rows to make (_synthetic).").at_least(1),
        key("sequence_length", &D::sequence_length, "Tokens of a row (_synthetic).")
            .at_least(2)
            .derived("sequence_len"),
        key("min_input_id", &D::min_input_id, "Lowest token id (_synthetic).").at_least(0),
        key("max_input_id", &D::max_input_id, "Token ids stay below it (_synthetic).")
            .at_least(1)
            .derived("the tokenizer's size"),
        key("seed", &D::seed, "Of the random ids (_synthetic).").derived("the run's seed"),
    };
    const auto put = [&keys](Action action, std::initializer_list<std::string_view> names,
                             std::string_view reason) {
      for (const std::string_view name : names)
        keys.push_back(plain_key<DatasetConfig>(name, action, reason));
    };
    for (const auto& [name, target] :
         {std::pair<std::string_view, std::string_view>{"message_field_role",
                                                        "message_property_mappings.role"},
          {"message_field_content", "message_property_mappings.content"}}) {
      keys.push_back(plain_key<DatasetConfig>(name, Action::alias, ""));
      keys.back().target = target;
    }
    put(Action::notice, {"trust_remote_code"}, "no code of a data set is run");
    put(Action::notice, {"preprocess_shards"},
        "rows are read and tokenised piece by piece in any case");
    put(Action::notice, {"input_transform", "field_human", "field_model", "input_format"},
        "not read by Axolotl either");
    put(Action::later, {"logprobs_field", "temperature"}, "distillation is not supported");
    return keys;
  }();
  return list;
}

}  // namespace axl::config
