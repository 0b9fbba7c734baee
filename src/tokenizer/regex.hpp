#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace axl::tokenizer {

/// Half-open range of bytes of a text.
struct Span {
  std::uint32_t begin;
  std::uint32_t end;
  bool operator==(const Span&) const = default;
};

/// A pattern of tokenizer.json (Oniguruma's syntax), compiled by PCRE2 with its JIT. Immutable
/// after construction; safe to use from several threads.
class Regex {
 public:
  /// Error{input} with PCRE2's reason when the pattern does not compile.
  explicit Regex(const std::string& pattern);
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

  /// All matches of `piece` of `text` from left to right, appended as spans of `text`; an empty one
  /// right behind another is none. What lies
  /// before and behind the piece is invisible to the pattern. Error{data} when a match would take
  /// unreasonably long.
  void find_all(std::string_view text, Span piece, std::vector<Span>& out) const;
  /// Every match replaced by `content` as it stands (no group references); nothing in an empty
  /// text. `front` tells whether the first characters were part of a match.
  std::string replace_all(std::string_view text, std::string_view content,
                          bool* front = nullptr) const;
  const std::string& pattern() const { return pattern_; }

 private:
  struct Impl;
  std::string pattern_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace axl::tokenizer
