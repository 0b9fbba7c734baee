#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace axl {

/// A regular expression that a user wrote about names of modules or parameters, as Python's `re`
/// reads it. It is not trusted: how long matching may take is bounded. May be used by many threads.
class Pattern {
 public:
  /// Error{input} says what is wrong with it.
  explicit Pattern(std::string_view text);
  /// At the subject's beginning, as re.match.
  bool match(std::string_view subject) const { return run(subject, 0).has_value(); }
  bool fullmatch(std::string_view subject) const;
  /// What the first pair of brackets holds when the beginning matches; "" when it took no part.
  std::optional<std::string> first_group(std::string_view subject) const { return run(subject, 0); }

 private:
  std::optional<std::string> run(std::string_view subject, unsigned options) const;
  std::shared_ptr<const void> compiled_;
};

}  // namespace axl
