#include "data/cache.hpp"

#include <unistd.h>
#include <xxhash.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/durable_file.hpp"
#include "core/error.hpp"
#include "core/input_file.hpp"
#include "core/json.hpp"
#include "core/log.hpp"
#include "data/content_hash.hpp"
#include "data/dataset.hpp"
#include "data/prepared_file.hpp"
#include "data/stream.hpp"

namespace axl::data {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

/// Raise it when the same settings and files give other rows, tokens or labels than before.
constexpr int kTokenisationVersion = 4;

/// A hook's own files: words of the command that name one.
std::uint64_t program_hash(const std::string& command) {
  std::istringstream words(command);
  std::uint64_t hash = 0;
  for (std::string word; words >> word;) {
    std::error_code failed;
    if (!fs::is_regular_file(word, failed) || fs::file_size(word, failed) > (64U << 20)) continue;
    const std::string text = read_or_nothing(word);
    hash = XXH3_64bits_withSeed(text.data(), text.size(), hash);
  }
  return hash;
}

/// The texts of the tokenizer's templates; one text alone is written as such.
json template_key(const tokenizer::Tokenizer& tokenizer) {
  const std::string &text = tokenizer.chat_template(), &with_tools = tokenizer.tool_chat_template();
  return with_tools == text ? json(text) : json::array({text, with_tools});
}

json dataset_key(const config::DatasetConfig& d, const std::vector<SourceFile>& files,
                 FileHashes& hashes) {
  return {{"content", content_hash(files, hashes)},
          {"type", d.type},
          {"ds_type", d.ds_type},
          {"split", d.split},
          {"shards", d.shards.value_or(0)},
          {"shards_idx", d.shards_idx},
          {"field", d.field},
          {"field_messages", d.field_messages},
          {"field_tools", d.field_tools},
          {"field_thinking", d.field_thinking},
          {"template_thinking_key", d.template_thinking_key},
          {"split_thinking", d.split_thinking},
          {"message_property_mappings", d.message_property_mappings},
          {"message_field_training", d.message_field_training},
          {"message_field_training_detail", d.message_field_training_detail},
          {"roles", d.roles},
          {"roles_to_train", d.roles_to_train},
          {"train_on_eos", d.train_on_eos},
          {"train_on_eot", d.train_on_eot},
          {"chat_template", d.chat_template},
          {"chat_template_jinja", d.chat_template_jinja},
          {"drop_system_message", d.drop_system_message},
          {"conversation", d.conversation},
          {"text_column", d.text_column},
          {"length", d.length},
          {"sequence_length", d.sequence_length.value_or(0)},
          {"min_input_id", d.min_input_id},
          {"max_input_id", d.max_input_id.value_or(0)},
          {"seed", d.seed.value_or(-1)},
          {"weight", d.weight},
          {"preprocess_command", d.preprocess_command},
          {"preprocess_program", program_hash(d.preprocess_command)},
          {"row_transforms", d.row_transforms},
          {"user_defined", d.user_defined}};
}

json report_to_json(const DatasetReport& r) {
  return {{"path", r.path},
          {"type", r.type},
          {"rows_read", r.rows_read},
          {"rows_kept", r.rows_kept},
          {"dropped_broken", r.dropped_broken},
          {"dropped_too_long", r.dropped_too_long},
          {"dropped_too_short", r.dropped_too_short},
          {"dropped_no_labels", r.dropped_no_labels},
          {"dropped_empty", r.dropped_empty},
          {"truncated", r.truncated},
          {"lost_tokens", r.lost_tokens},
          {"deduplicated", r.deduplicated},
          {"near_duplicates", r.near_duplicates},
          {"rows_used", r.rows_used},
          {"tokens", r.tokens},
          {"label_tokens", r.label_tokens},
          {"duplicate_keys", r.notes.duplicate_keys},
          {"unread", r.notes.unread},
          {"only_here", r.notes.only_here},
          {"examples", r.examples}};
}

DatasetReport report_from_json(const json& j) {
  DatasetReport r;
  j.at("path").get_to(r.path);
  j.at("type").get_to(r.type);
  j.at("rows_read").get_to(r.rows_read);
  j.at("rows_kept").get_to(r.rows_kept);
  j.at("dropped_broken").get_to(r.dropped_broken);
  j.at("dropped_too_long").get_to(r.dropped_too_long);
  j.at("dropped_too_short").get_to(r.dropped_too_short);
  j.at("dropped_no_labels").get_to(r.dropped_no_labels);
  j.at("dropped_empty").get_to(r.dropped_empty);
  j.at("truncated").get_to(r.truncated);
  j.at("lost_tokens").get_to(r.lost_tokens);
  j.at("deduplicated").get_to(r.deduplicated);
  j.at("near_duplicates").get_to(r.near_duplicates);
  j.at("rows_used").get_to(r.rows_used);
  j.at("tokens").get_to(r.tokens);
  j.at("label_tokens").get_to(r.label_tokens);
  j.at("duplicate_keys").get_to(r.notes.duplicate_keys);
  j.at("unread").get_to(r.notes.unread);
  j.at("only_here").get_to(r.notes.only_here);
  j.at("examples").get_to(r.examples);
  return r;
}

/// Leftovers of jobs that were killed; young ones may belong to a job that is still running.
void remove_old_leftovers(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().filename().string().find(".tmp-") == std::string::npos) continue;
    const auto written = fs::last_write_time(entry.path(), ignored);
    if (ignored) continue;
    if (fs::file_time_type::clock::now() - written > std::chrono::hours(24))
      fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace

CacheKey cache_key(const config::Config& c, const tokenizer::Tokenizer& tokenizer,
                   const std::vector<std::vector<SourceFile>>& sources) {
  json datasets = json::array(), tests = json::array();
  std::size_t at = 0;
  FileHashes hashes(c.dataset_prepared_path);
  for (const auto& d : c.datasets) datasets.push_back(dataset_key(d, sources[at++], hashes));
  for (const auto& d : c.test_datasets) tests.push_back(dataset_key(d, sources[at++], hashes));
  hashes.save();
  json text = {{"format", kPreparedFormatVersion},
               {"tokenisation", kTokenisationVersion},
               {"tokenizer", tokenizer.fingerprint()},
               {"tokenizer_chat_template", template_key(tokenizer)},
               {"eos", tokenizer.token_text("eos_token")},
               {"bos", tokenizer.token_text("bos_token")},
               {"datasets", datasets},
               {"test_datasets", tests},
               {"chat_template_kwargs", c.chat_template_kwargs},
               {"eot_tokens", c.eot_tokens},
               {"default_system_message", c.default_system_message},
               {"val_set_size", c.val_set_size},
               {"shuffle_merged_datasets", c.shuffle_merged_datasets},
               {"curriculum_sampling", c.curriculum_sampling},
               {"excess_length_strategy", c.excess_length_strategy},
               {"min_sample_len", c.min_sample_len},
               {"train_on_inputs", c.train_on_inputs},
               {"dataset_exact_deduplication", c.dataset_exact_deduplication},
               {"dataset_near_deduplication", c.dataset_near_deduplication},
               {"shuffle_before_merging_datasets", c.shuffle_before_merging_datasets},
               {"dataset_shard_num", c.dataset_shard_num.value_or(0)},
               {"dataset_shard_idx", c.dataset_shard_idx.value_or(-1)},
               {"dataset_mixing", c.dataset_mixing},
               {"dataset_mixing_temperature", c.dataset_mixing_temperature.value_or(0)},
               {"curriculum_order", c.curriculum_order},
               {"sequence_len", c.sequence_len},
               {"eval_sequence_len", c.eval_sequence_len.value_or(0)},
               {"seed", c.seed}};
  if (!c.rl.empty()) text["rl"] = c.rl;
  CacheKey key;
  // File contents may hold anything, but keys come from the YAML: not always UTF-8.
  key.text = json_text(text, 2);
  const XXH128_hash_t hash = XXH3_128bits(key.text.data(), key.text.size());
  key.name = fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
  key.fingerprint = hash.low64;
  return key;
}

std::uint64_t stream_fingerprint(const config::Config& c, const tokenizer::Tokenizer& tokenizer) {
  json datasets = json::array();
  for (const auto& d : streamed_datasets(c)) {
    FileHashes none;
    json one = dataset_key(d, {}, none);
    one["path"] = d.path;
    one["skip"] = d.skip;
    datasets.push_back(std::move(one));
  }
  const json text = {{"tokenisation", kTokenisationVersion},
                     {"tokenizer", tokenizer.fingerprint()},
                     {"datasets", datasets},
                     {"buffer", c.streaming_multipack_buffer_size},
                     {"concatenation", c.pretraining_sample_concatenation},
                     {"sample_packing", c.sample_packing},
                     {"bin_size", c.sample_packing_bin_size},
                     {"micro_batch_size", c.micro_batch_size},
                     {"shuffle_merged_datasets", c.shuffle_merged_datasets},
                     {"curriculum_sampling", c.curriculum_sampling},
                     {"excess_length_strategy", c.excess_length_strategy},
                     {"min_sample_len", c.min_sample_len},
                     {"train_on_inputs", c.train_on_inputs},
                     {"sequence_len", c.sequence_len},
                     {"seed", c.seed}};
  const std::string bytes = json_text(text);
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::optional<PrepareResult> find_cached(const std::string& folder, const CacheKey& key) {
  const std::string place = (fs::path(folder) / key.name).string();
  std::error_code failed;
  if (!fs::exists(place, failed)) return std::nullopt;
  PrepareResult result;
  result.from_cache = true;
  try {
    std::ifstream in(place + "/manifest.json", std::ios::binary);
    const json manifest = parse_json<json>(in);
    result.train_path = place + "/train.axlprep";
    if (manifest.at("has_eval").get<bool>()) result.eval_path = place + "/eval.axlprep";
    manifest.at("warnings").get_to(result.warnings);
    for (const json& report : manifest.at("reports"))
      result.reports.push_back(report_from_json(report));
    for (const std::string& path : {result.train_path, result.eval_path}) {
      if (path.empty()) continue;
      if (PreparedDataset::open(path).fingerprint() != key.fingerprint)
        throw Error(ErrorCode::input, path + " belongs to another configuration");
    }
    return result;
  } catch (const Error& e) {
    log::warning("{}; preparing the dataset again", e.message());
  } catch (const json::exception&) {
    log::warning("{}/manifest.json is missing or damaged; preparing the dataset again", place);
  }
  return std::nullopt;
}

CacheFolder::CacheFolder(const std::string& folder, const CacheKey& key)
    : folder_(folder),
      temporary_((fs::path(folder) /
                  fmt::format("{}.tmp-{}-{:x}", key.name, ::getpid(),
                              std::chrono::steady_clock::now().time_since_epoch().count()))
                     .string()),
      final_((fs::path(folder) / key.name).string()) {
  std::error_code failed;
  fs::create_directories(temporary_, failed);
  if (failed)
    throw Error(code_of_folder(failed), "cannot create " + temporary_ + ": " + failed.message())
        .hint("dataset_prepared_path says where prepared datasets go");
  remove_old_leftovers(folder_);
}

CacheFolder::~CacheFolder() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(temporary_, ignored);
}

void CacheFolder::commit(const CacheKey& key, PrepareResult& result, bool has_eval) {
  json manifest = {{"has_eval", has_eval},
                   {"warnings", result.warnings},
                   {"reports", json::array()},
                   {"key", parse_json<json>(key.text)}};
  for (const DatasetReport& report : result.reports)
    manifest["reports"].push_back(report_to_json(report));
  write_durably(temporary_ + "/manifest.json", json_text(manifest, 2) + "\n");
  std::error_code failed;
  if (fs::exists(final_, failed)) {
    // Damaged, or another job finished the same dataset a moment ago: ours is as good.
    const std::string old = temporary_ + ".old";
    fs::rename(final_, old, failed);
    fs::remove_all(old, failed);
  }
  fs::rename(temporary_, final_, failed);
  if (failed && !fs::exists(final_))
    throw Error(ErrorCode::io,
                "cannot rename " + temporary_ + " to " + final_ + ": " + failed.message());
  committed_ = !failed;
  sync_path(folder_);
  result.train_path = final_ + "/train.axlprep";
  result.eval_path = has_eval ? final_ + "/eval.axlprep" : "";
}

}  // namespace axl::data
