#pragma once
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

/// Writes config.json (with the element type of what is written), generation_config.json and the
/// tokenizer's files of `source` (a folder: copied; a GGUF file: converted) into `folder`.
void write_companions(const std::string& source, const weights::ModelConfig& config,
                      weights::Storage storage, const std::string& folder);
/// Puts the tokenizer of `from`, where there is one, in the place of that of `folder`.
void adopt_tokenizer(const std::string& from, const std::string& folder);

}  // namespace axl::checkpoint
