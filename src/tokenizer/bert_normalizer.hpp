#pragma once
#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace axl::tokenizer {

/// The normalizer of BERT models: control characters go, white space becomes the space, Chinese
/// characters stand alone, accents go, letters become small; each part can be switched off.
class BertNormalizer {
 public:
  explicit BertNormalizer(const nlohmann::ordered_json& spec);
  void operator()(std::string& text) const;

 private:
  static constexpr std::int16_t kRemoved = -1;
  void rewrite_all(std::string& text) const;

  bool clean_text_;
  bool handle_chinese_chars_;
  bool strip_accents_;
  bool lowercase_;
  std::array<std::int16_t, 128> ascii_{};  // what a character of ASCII becomes
};

}  // namespace axl::tokenizer
