#include "core/pattern.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/error.hpp"

namespace axl {
namespace {

constexpr std::uint32_t kMostSteps = 1'000'000;

std::string message(int code) {
  PCRE2_UCHAR text[256] = {};
  pcre2_get_error_message(code, text, sizeof(text));
  return reinterpret_cast<const char*>(text);
}

PCRE2_SPTR units(std::string_view text) { return reinterpret_cast<PCRE2_SPTR>(text.data()); }

}  // namespace

Pattern::Pattern(std::string_view text) {
  int code = 0;
  PCRE2_SIZE at = 0;
  pcre2_code* compiled =
      pcre2_compile(units(text), text.size(), PCRE2_ANCHORED | PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C,
                    &code, &at, nullptr);
  if (compiled == nullptr)
    throw Error(ErrorCode::input,
                "'" + std::string(text) + "' is not a regular expression: " + message(code));
  compiled_ = std::shared_ptr<pcre2_code>(compiled, pcre2_code_free);
}

bool Pattern::fullmatch(std::string_view subject) const {
  return run(subject, PCRE2_ENDANCHORED).has_value();
}

std::optional<std::string> Pattern::run(std::string_view subject, unsigned options) const {
  const auto* compiled = static_cast<const pcre2_code*>(compiled_.get());
  const std::unique_ptr<pcre2_match_context, decltype(&pcre2_match_context_free)> limits(
      pcre2_match_context_create(nullptr), pcre2_match_context_free);
  const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> found(
      pcre2_match_data_create_from_pattern(compiled, nullptr), pcre2_match_data_free);
  pcre2_set_match_limit(limits.get(), kMostSteps);
  const int n =
      pcre2_match(compiled, units(subject), subject.size(), 0, options, found.get(), limits.get());
  const bool is_text = n > PCRE2_ERROR_UTF8_ERR1 || n < PCRE2_ERROR_UTF8_ERR21;
  if (n == PCRE2_ERROR_NOMATCH || !is_text) return std::nullopt;
  if (n < 0) throw Error(ErrorCode::input, "a regular expression fails: " + message(n));
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(found.get());
  if (n < 2 || ends[2] == PCRE2_UNSET) return "";
  return std::string(subject.substr(ends[2], ends[3] - ends[2]));
}

}  // namespace axl
