#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace axl::tokenizer {

/// SentencePiece's compiled character map ("Precompiled", precompiled_charsmap): a double array of
/// replaced strings (Darts-clone's format) and the texts that replace them, each ended by a zero
/// byte. Applied grapheme by grapheme as the `tokenizers` package does it.
class PrecompiledMap {
 public:
  /// `bytes`: a 32-bit size, the double array of that size, the texts; little endian. Error{input}
  /// when the sizes do not fit. Empty = changes nothing.
  explicit PrecompiledMap(std::string_view bytes);
  void apply(std::string& text) const;

 private:
  std::optional<std::string_view> replacement(std::string_view chunk) const;

  std::vector<std::uint32_t> units_;
  std::string texts_;
  std::array<std::string, 128> ascii_;  // what a character of ASCII becomes
};

}  // namespace axl::tokenizer
