#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "weights/model_config.hpp"
#include "weights/weight_file.hpp"

namespace axl::checkpoint {

/// A Hugging Face folder being written: everything goes to "FOLDER.tmp", commit() renames it.
class ModelFolder {
 public:
  /// Error{input} when `folder` exists and `overwrite` is not set.
  ModelFolder(const std::string& folder, bool overwrite);
  ~ModelFolder();
  ModelFolder(const ModelFolder&) = delete;
  ModelFolder& operator=(const ModelFolder&) = delete;
  const std::string& path() const { return temporary_; }
  void commit();

 private:
  std::string folder_;
  std::string temporary_;
  bool committed_ = false;
};

/// Writes config.json (with the element type of what is written), generation_config.json, the
/// tokenizer's and the other files that are no weights of `source` (a folder: copied; a GGUF file:
/// converted) into `folder`.
void write_companions(const std::string& source, const weights::ModelConfig& config,
                      weights::Storage storage, const std::string& folder);
/// Ids of the tokenizer's own special tokens.
struct SpecialTokenIds {
  std::optional<std::int64_t> bos, eos, pad;
};
/// Makes config.json and generation_config.json agree with the tokenizer on special tokens, as
/// transformers' Trainer does (align_special_tokens): its ids replace those of config.json; stop
/// tokens of generation_config.json are kept behind the tokenizer's.
void align_special_tokens(const SpecialTokenIds& ids, nlohmann::ordered_json& config,
                          nlohmann::ordered_json& generation);
/// What stands beside the weights of a trained model so that it loads elsewhere: config.json
/// (`dtype` is torch's name), generation_config.json, both aligned, and the other files of `source`
/// but weights, states and what others write; tokenizer files are those of `tokenizer_source`
/// (those of save() come later and win).
void write_trained_companions(const std::string& source, const std::string& tokenizer_source,
                              const weights::ModelConfig& config, const std::string& dtype,
                              const SpecialTokenIds& ids, const std::string& folder);
/// Error{input} when writing into or replacing `target` would overwrite `source`, a file or folder
/// that is read: they are the same place, or `replaces` and it lies inside. `what` names it.
void refuse_overwriting(const std::string& target, const std::string& source,
                        const std::string& what, bool replaces);
/// Puts the tokenizer of `from`, where there is one, in the place of that of `folder`, and makes
/// config.json (of `config`) and generation_config.json there agree with it.
void adopt_tokenizer(const std::string& from, const weights::ModelConfig& config,
                     const std::string& folder);

}  // namespace axl::checkpoint
