#include "checkpoint/model_folder.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "core/durable_file.hpp"
#include "core/error.hpp"
#include "core/input_file.hpp"
#include "core/json.hpp"
#include "core/log.hpp"
#include "hub/snapshot.hpp"
#include "tokenizer/tokenizer.hpp"
#include "weights/gguf.hpp"

namespace axl::checkpoint {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kTokenizerFiles[] = {
    "tokenizer.json",      "tokenizer_config.json", "special_tokens_map.json",
    "chat_template.jinja", "added_tokens.json",     "vocab.json",
    "merges.txt",          "tokenizer.model"};

const char* dtype_name(weights::Storage storage) {
  switch (storage) {
    case weights::Storage::f16:
      return "float16";
    case weights::Storage::bf16:
      return "bfloat16";
    default:
      return "float32";
  }
}

std::string config_text(const weights::ModelConfig& config, weights::Storage storage) {
  Json root = parse_json<Json>(config.raw);
  root[root.contains("dtype") ? "dtype" : "torch_dtype"] = dtype_name(storage);
  return json_text(root, 2) + "\n";
}

Json one_or_many(const std::vector<std::int64_t>& ids) {
  return ids.size() == 1 ? Json(ids.front()) : Json(ids);
}

std::string generation_text(const weights::ModelConfig& config) {
  Json root{{"_from_model_config", true}};
  if (!config.bos_token_id.empty()) root["bos_token_id"] = one_or_many(config.bos_token_id);
  if (!config.eos_token_id.empty()) root["eos_token_id"] = one_or_many(config.eos_token_id);
  if (config.pad_token_id >= 0) root["pad_token_id"] = config.pad_token_id;
  return json_text(root, 2) + "\n";
}

void copy_if_there(const fs::path& from, const fs::path& to) {
  if (!is_there(from)) return;
  const InputFile readable(from);  // says what is wrong with it
  copy_durably(from.string(), to.string());
}

/// What a model has beside its weights, configuration and tokenizer (a licence, a preprocessor,
/// code): not weights, optimiser states and records of training, under the names that programs give
/// them.
bool is_side_file(const fs::path& path) {
  constexpr std::uintmax_t kLargest = std::uintmax_t{64} << 20;
  const std::string name = path.filename().string();
  std::error_code failed;
  static constexpr std::string_view kNames[] = {
      "config.json",        "generation_config.json", "adapter_config.json",
      "trainer_state.json", "training_args.bin",      "manifest.json",
      "trainer_state.h5",   "metrics.jsonl",          "README.md"};
  static constexpr std::string_view kEndings[] = {
      ".safetensors", ".bin",        ".pt",  ".pth",  ".gguf", ".h5",   ".msgpack", ".onnx",
      ".ot",          ".index.json", ".tmp", ".ckpt", ".lock", ".html", ".svg"};
  const auto is = [&](std::string_view known) { return name == known; };
  const auto ends = [&](std::string_view ending) { return name.ends_with(ending); };
  return fs::is_regular_file(path, failed) && !name.starts_with(".") &&
         std::find(std::begin(kTokenizerFiles), std::end(kTokenizerFiles), name) ==
             std::end(kTokenizerFiles) &&
         std::none_of(std::begin(kNames), std::end(kNames), is) &&
         std::none_of(std::begin(kEndings), std::end(kEndings), ends) &&
         fs::file_size(path, failed) <= kLargest && !failed;
}

void copy_side_files(const fs::path& source, const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(source))
    if (is_side_file(entry.path()))
      copy_durably(entry.path().string(), (folder / entry.path().filename()).string());
}

void copy_tokenizer_files(const fs::path& source, const fs::path& folder) {
  std::error_code ignored;
  for (const char* name : kTokenizerFiles) copy_if_there(source / name, folder / name);
  const fs::path others = source / "chat_templates";
  if (!fs::is_directory(others, ignored)) return;
  fs::create_directories(folder / "chat_templates", ignored);
  for (const auto& entry : fs::directory_iterator(others))
    copy_if_there(entry.path(), folder / "chat_templates" / entry.path().filename());
}

}  // namespace

ModelFolder::ModelFolder(const std::string& folder, bool overwrite) : folder_(folder) {
  while (folder_.size() > 1 && folder_.ends_with('/')) folder_.pop_back();
  temporary_ = folder_ + ".tmp";
  std::error_code problem;
  const bool taken = fs::exists(folder_, problem) &&
                     !(fs::is_directory(folder_, problem) && fs::is_empty(folder_, problem));
  if (taken && !overwrite)
    throw Error(ErrorCode::input, folder_ + " exists already")
        .hint("name another folder, or give --overwrite to replace it");
  fs::remove_all(temporary_, problem);
  fs::create_directories(temporary_, problem);
  if (problem)
    throw Error(code_of_folder(problem), "cannot create " + temporary_ + ": " + problem.message());
}

ModelFolder::~ModelFolder() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(temporary_, ignored);
}

void ModelFolder::commit() {
  sync_path(temporary_);
  std::error_code problem;
  fs::remove_all(folder_, problem);
  if (!problem) fs::rename(temporary_, folder_, problem);
  if (problem)
    throw Error(ErrorCode::io,
                "cannot rename " + temporary_ + " to " + folder_ + ": " + problem.message());
  committed_ = true;
  const std::string parent = fs::path(folder_).parent_path().string();
  sync_path(parent.empty() ? "." : parent);
}

void align_special_tokens(const SpecialTokenIds& ids, Json& config, Json& generation) {
  const auto id_or_null = [](const std::optional<std::int64_t>& id) {
    return id ? Json(*id) : Json(nullptr);
  };
  const auto value = [](const Json& in, const char* key) {
    return in.contains(key) ? in.at(key) : Json(nullptr);
  };
  const Json eos = id_or_null(ids.eos);
  Json stops = value(generation, "eos_token_id");
  if (!stops.is_null() && !stops.is_array()) stops = Json::array({stops});
  const bool known =
      stops.is_null() ? eos.is_null() : std::find(stops.begin(), stops.end(), eos) != stops.end();
  if (value(config, "eos_token_id") != eos || !known) {
    config["eos_token_id"] = eos;
    Json all = Json::array();
    if (!eos.is_null()) all.push_back(eos);
    if (stops.is_array())
      for (const Json& id : stops)
        if (!id.is_null() && std::find(all.begin(), all.end(), id) == all.end()) all.push_back(id);
    generation["eos_token_id"] = all.size() == 1 ? all.front() : all;
  }
  for (const auto& [key, id] : {std::pair{"bos_token_id", ids.bos}, {"pad_token_id", ids.pad}}) {
    const Json wanted = id_or_null(id);
    if (value(config, key) == wanted && value(generation, key) == wanted) continue;
    config[key] = wanted;
    generation[key] = wanted;
  }
}

void write_trained_companions(const std::string& from, const std::string& tokenizer_from,
                              const weights::ModelConfig& config, const std::string& dtype,
                              const SpecialTokenIds& ids, const std::string& folder) {
  const std::string source = hub::model_folder(from, hub::ModelPart::tokenizer);
  Json root = parse_json<Json>(config.raw);
  root["torch_dtype"] = dtype;
  if (root.contains("dtype")) root["dtype"] = dtype;
  const fs::path generation_path = fs::path(source) / "generation_config.json";
  std::error_code ignored;
  const bool is_folder = fs::is_directory(source, ignored);
  Json generation =
      parse_json<Json>(is_folder && is_there(generation_path) ? read_text(generation_path)
                                                              : generation_text(config));
  align_special_tokens(ids, root, generation);
  if (is_folder) copy_side_files(source, folder);
  const std::string tokens = hub::model_folder(tokenizer_from, hub::ModelPart::tokenizer);
  if (fs::is_directory(tokens, ignored)) copy_tokenizer_files(tokens, folder);
  // save() writes every added token into tokenizer.json; an older list would be laid over it.
  fs::remove(fs::path(folder) / "added_tokens.json", ignored);
  write_durably(folder + "/config.json", json_text(root, 2) + "\n");
  write_durably(folder + "/generation_config.json", json_text(generation, 2) + "\n");
}

void refuse_overwriting(const std::string& target, const std::string& source,
                        const std::string& what, bool replaces) {
  std::error_code failed;
  if (!fs::exists(source, failed)) return;
  fs::path to = fs::weakly_canonical(fs::absolute(target), failed);
  if (!to.has_filename()) to = to.parent_path();  // "folder/"
  fs::path from = fs::weakly_canonical(fs::absolute(source), failed);
  if (failed) return;
  if (!fs::is_directory(from, failed)) {
    if (to != from && !replaces) return;
  }
  // `from` is `place`, or below it.
  const auto holds = [&](const fs::path& place) {
    return std::mismatch(place.begin(), place.end(), from.begin(), from.end()).first == place.end();
  };
  const bool inside = holds(to) || holds(fs::path(to) += ".tmp");  // where ModelFolder writes first
  if (to != from && !(replaces && inside)) return;
  throw Error(ErrorCode::input, "'" + target + "' would overwrite " + what + ", '" + source + "'")
      .hint("name another folder for what is written");
}

void adopt_tokenizer(const std::string& from, const weights::ModelConfig& config,
                     const std::string& folder) {
  std::error_code ignored;
  if (!is_there(fs::path(from) / "tokenizer.json")) return;
  for (const char* name : kTokenizerFiles) fs::remove(fs::path(folder) / name, ignored);
  fs::remove_all(fs::path(folder) / "chat_templates", ignored);
  copy_tokenizer_files(from, folder);
  std::optional<tokenizer::Tokenizer> tokenizer;
  try {
    tokenizer.emplace(tokenizer::Tokenizer::load(folder));
  } catch (const Error& e) {
    log::warning("config.json keeps the special tokens of the base model: {}", e.message());
    return;
  }
  const fs::path config_path = fs::path(folder) / "config.json";
  const fs::path generation_path = fs::path(folder) / "generation_config.json";
  Json root = parse_json<Json>(read_text(config_path));
  Json generation = parse_json<Json>(is_there(generation_path) ? read_text(generation_path)
                                                               : generation_text(config));
  align_special_tokens({tokenizer->bos_id(), tokenizer->eos_id(), tokenizer->pad_id()}, root,
                       generation);
  write_durably(config_path.string(), json_text(root, 2) + "\n");
  write_durably(generation_path.string(), json_text(generation, 2) + "\n");
}

void write_companions(const std::string& from, const weights::ModelConfig& config,
                      weights::Storage storage, const std::string& folder) {
  const std::string source = hub::model_folder(from, hub::ModelPart::tokenizer);
  write_durably(folder + "/config.json", config_text(config, storage));
  std::error_code ignored;
  if (fs::is_directory(source, ignored)) {
    copy_side_files(source, folder);
    copy_tokenizer_files(source, folder);
    copy_if_there(fs::path(source) / "generation_config.json",
                  fs::path(folder) / "generation_config.json");
    return;
  }
  write_durably(folder + "/generation_config.json", generation_text(config));
  const weights::GgufMetadata metadata = weights::read_gguf_metadata(source);
  if (metadata.strings("tokenizer.ggml.tokens") == nullptr) {
    log::warning("{} holds no tokenizer, so neither does {}", source, folder);
    return;
  }
  try {
    tokenizer::Tokenizer::load(source).save(folder);
  } catch (const Error& e) {
    if (e.code() != ErrorCode::unsupported) throw;
    log::warning("{} gets no tokenizer: {}", folder, e.message());
  }
}

}  // namespace axl::checkpoint
