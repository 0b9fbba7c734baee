#pragma once
#include <string>

#include "generate/loaded_model.hpp"

namespace axl::test {

/// A folder of a two-layer Llama with random weights, removed with the object: config.json and
/// model.safetensors. The vocabulary is that of tests/fixtures/data/tokenizer.json.
class TinyModel {
 public:
  explicit TinyModel(std::int64_t positions = kPositions);
  ~TinyModel();
  TinyModel(const TinyModel&) = delete;
  TinyModel& operator=(const TinyModel&) = delete;
  const std::string& folder() const { return folder_; }
  generate::LoadedModel load(DType compute = DType::f32, const std::string& adapter = "") const;
  static constexpr std::int64_t kVocabulary = 512, kPositions = 96;

 private:
  std::string folder_;
};

/// The tokenizer of the fixtures.
std::string fixture_tokenizer();

}  // namespace axl::test
