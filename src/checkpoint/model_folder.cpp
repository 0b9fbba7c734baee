#include "checkpoint/model_folder.hpp"

#include <filesystem>

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

void adopt_tokenizer(const std::string& from, const std::string& folder) {
  std::error_code ignored;
  if (!is_there(fs::path(from) / "tokenizer.json")) return;
  for (const char* name : kTokenizerFiles) {
    fs::remove(fs::path(folder) / name, ignored);
    copy_if_there(fs::path(from) / name, fs::path(folder) / name);
  }
}

void write_companions(const std::string& from, const weights::ModelConfig& config,
                      weights::Storage storage, const std::string& folder) {
  const std::string source = hub::model_folder(from, hub::ModelPart::tokenizer);
  write_durably(folder + "/config.json", config_text(config, storage));
  std::error_code ignored;
  if (fs::is_directory(source, ignored)) {
    for (const char* name : kTokenizerFiles)
      copy_if_there(fs::path(source) / name, fs::path(folder) / name);
    const fs::path others = fs::path(source) / "chat_templates";
    if (fs::is_directory(others, ignored)) {
      fs::create_directories(fs::path(folder) / "chat_templates", ignored);
      for (const auto& entry : fs::directory_iterator(others))
        copy_if_there(entry.path(), fs::path(folder) / "chat_templates" / entry.path().filename());
    }
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
  tokenizer::Tokenizer::load(source).save(folder);
}

}  // namespace axl::checkpoint
