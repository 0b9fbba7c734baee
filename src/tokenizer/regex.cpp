#include "tokenizer/regex.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <optional>

#include "core/error.hpp"
#include "tokenizer/regex_classes.hpp"

namespace axl::tokenizer {
namespace {

/// Oniguruma's classes follow Unicode's properties; PCRE2's \s adds U+180E, its \w lacks marks and
/// connectors, its \h is another class, and its tables are older (regex_classes.hpp). The pattern
/// is rewritten so that both mean the same.
constexpr const char* kSpaces =
    "\\t-\\r "
    "\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}";

/// A class of characters that is written anew, and where it ends in the pattern.
struct CharacterClass {
  std::string members;
  bool inverted;
  std::size_t last;
};

/// `at`: what follows a backslash. Nothing where PCRE2 can read the pattern as it is.
std::optional<CharacterClass> class_at(const std::string& pattern, std::size_t at,
                                       bool in_brackets) {
  const char e = pattern[at];
  const bool inverted = e == 'S' || e == 'W' || e == 'D' || e == 'P' || e == 'H';
  if (e == 's' || e == 'S') return CharacterClass{kSpaces, inverted, at};
  if (e == 'w' || e == 'W') return CharacterClass{word_members(in_brackets), inverted, at};
  if (e == 'd' || e == 'D') return CharacterClass{property_members("Nd"), inverted, at};
  if (e == 'h' || e == 'H') return CharacterClass{"0-9A-Fa-f", inverted, at};
  const std::size_t end = pattern.find('}', at);
  if ((e != 'p' && e != 'P') || pattern.compare(at + 1, 1, "{") != 0 || end == std::string::npos)
    return std::nullopt;
  std::string_view name(pattern.data() + at + 2, end - at - 2);
  const bool caret = name.starts_with('^');
  if (caret) name.remove_prefix(1);
  std::string members = property_members(name);
  if (members.empty()) return std::nullopt;
  return CharacterClass{std::move(members), inverted != caret, end};
}

/// PCRE2's \b goes by its own \w.
std::string word_boundary(bool inverted) {
  const std::string word = "[" + word_members(false) + "]";
  const std::string behind = "(?<=" + word + ")", not_behind = "(?<!" + word + ")";
  const std::string ahead = "(?=" + word + ")", not_ahead = "(?!" + word + ")";
  return "(?:" + behind + (inverted ? ahead : not_ahead) + "|" + not_behind +
         (inverted ? not_ahead : ahead) + ")";
}

/// A bracket expression while it is read: its plain members, and the members of the inverted
/// classes in it (\W), which cannot be spelled as members.
struct Bracket {
  bool inverted = false;
  std::string plain;
  std::vector<std::string> complements;

  std::string text() const {
    const std::string members = "[" + plain + "]";
    if (complements.empty()) return (inverted ? "[^" : "[") + plain + "]";
    std::string out = "(?:";
    if (inverted) {
      if (!plain.empty()) out += "(?!" + members + ")";
      for (std::size_t i = 0; i + 1 < complements.size(); ++i)
        out += "(?=[" + complements[i] + "])";
      return out + "[" + complements.back() + "])";
    }
    if (!plain.empty()) out += members + "|";
    for (std::size_t i = 0; i < complements.size(); ++i)
      out += (i == 0 ? "[^" : "|[^") + complements[i] + "]";
    return out + ")";
  }
};

/// Reads the bracket expression that begins at `i` and leaves `i` at its end.
std::string translate_bracket(const std::string& pattern, std::size_t& i) {
  Bracket out;
  if (pattern.compare(i + 1, 1, "^") == 0) {
    out.inverted = true;
    ++i;
  }
  bool first = true;
  for (++i; i < pattern.size(); ++i, first = false) {
    const char c = pattern[i];
    if (c == ']' && !first) return out.text();
    if (c == '\\' && i + 1 < pattern.size()) {
      if (const auto set = class_at(pattern, i + 1, true)) {
        if (set->inverted) {
          out.complements.push_back(set->members);
        } else {
          out.plain += set->members;
        }
        i = set->last;
      } else {
        out.plain += c;
        out.plain += pattern[++i];
      }
      continue;
    }
    const bool named = pattern.compare(i, 2, "[:") == 0;
    if (named && pattern.find(":]", i) != std::string::npos) {
      const std::size_t end = pattern.find(":]", i) + 2;
      out.plain.append(pattern, i, end - i);
      i = end - 1;
      continue;
    }
    // Sets within sets and their intersections, which PCRE2 would read as plain characters.
    if (c == '[' || pattern.compare(i, 2, "&&") == 0)
      throw Error(ErrorCode::input, "the pattern '" + pattern + "' has " +
                                        (c == '[' ? "a set within a set" : "'&&' within a set") +
                                        ", which is not supported");
    out.plain += c;
  }
  return (out.inverted ? "[^" : "[") + out.plain;  // not closed: PCRE2 says so
}

std::string translate(const std::string& pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '[') {
      out += translate_bracket(pattern, i);
      continue;
    }
    if (c != '\\' || i + 1 >= pattern.size()) {
      out += c;
      continue;
    }
    if (pattern[i + 1] == 'b' || pattern[i + 1] == 'B') {
      out += word_boundary(pattern[++i] == 'B');
    } else if (const auto set = class_at(pattern, i + 1, false)) {
      out += (set->inverted ? "[^" : "[") + set->members + "]";
      i = set->last;
    } else {
      out += c;
      out += pattern[++i];
    }
  }
  return out;
}

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using Code = std::unique_ptr<pcre2_code, Deleter<&pcre2_code_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Deleter<&pcre2_match_data_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Deleter<&pcre2_match_context_free>>;
using JitStack = std::unique_ptr<pcre2_jit_stack, Deleter<&pcre2_jit_stack_free>>;

/// What a thread needs to match; long runs need more than the 32 KB that PCRE2 takes by itself.
struct Workspace {
  MatchData data{pcre2_match_data_create(1, nullptr)};
  JitStack stack{pcre2_jit_stack_create(std::size_t{64} << 10, std::size_t{8} << 20, nullptr)};
  MatchContext context{pcre2_match_context_create(nullptr)};
  Workspace() {
    pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
    pcre2_set_match_limit(context.get(), 50'000'000);
    pcre2_set_heap_limit(context.get(), 256 << 10);  // KiB
  }
};

Workspace& workspace() {
  thread_local Workspace w;
  return w;
}

std::string reason(int code) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(code, buffer, sizeof buffer);
  return reinterpret_cast<const char*>(buffer);
}

}  // namespace

struct Regex::Impl {
  Code code;
};

Regex::Regex(const std::string& pattern) : pattern_(pattern), impl_(std::make_unique<Impl>()) {
  constexpr std::size_t kLongest = 64 << 10;
  if (pattern.size() > kLongest)
    throw Error(ErrorCode::input, "a split pattern of " + std::to_string(pattern.size()) +
                                      " bytes is too long; at most 65536 are allowed");
  const std::string ours = translate(pattern);
  int error = 0;
  PCRE2_SIZE where = 0;
  // Oniguruma's ^ and $ always mean line ends, hence PCRE2_MULTILINE.
  impl_->code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(ours.data()), ours.size(),
                                  PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &error, &where,
                                  nullptr));
  if (!impl_->code)
    throw Error(ErrorCode::input, "the pattern '" + pattern +
                                      "' is not a valid regular expression: " + reason(error));
  pcre2_jit_compile(impl_->code.get(), PCRE2_JIT_COMPLETE);  // without a JIT it is only slower
}
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

void Regex::find_all(std::string_view text, Span piece, std::vector<Span>& out) const {
  Workspace& w = workspace();
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data() + piece.begin);
  const PCRE2_SIZE size = piece.end - piece.begin;
  PCRE2_SIZE at = 0;
  PCRE2_SIZE last_end = PCRE2_UNSET;
  // As the `onig` crate walks: behind a match, an empty one there does not count, and the search
  // goes on a character further, without another try for a longer one.
  while (at <= size) {
    const int n = pcre2_match(impl_->code.get(), subject, size, at, PCRE2_NO_UTF_CHECK,
                              w.data.get(), w.context.get());
    if (n == PCRE2_ERROR_NOMATCH) return;
    if (n < 0)
      throw Error(ErrorCode::data, "matching the pattern '" + pattern_ + "' failed: " + reason(n));
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(w.data.get());
    if (range[0] == range[1] && range[0] == last_end) {
      ++at;
      while (at < size && (subject[at] & 0xC0) == 0x80) ++at;
      continue;
    }
    out.push_back({piece.begin + static_cast<std::uint32_t>(range[0]),
                   piece.begin + static_cast<std::uint32_t>(range[1])});
    last_end = at = range[1];
  }
}

std::string Regex::replace_all(std::string_view text, std::string_view content, bool* front) const {
  if (text.empty()) return "";
  std::vector<Span> hits;
  find_all(text, {0, static_cast<std::uint32_t>(text.size())}, hits);
  if (front != nullptr) *front = !hits.empty() && hits[0].begin == 0 && hits[0].end > 0;
  std::string out;
  std::size_t at = 0;
  for (const Span& s : hits) {
    out.append(text, at, s.begin - at);
    out += content;
    at = s.end;
  }
  out.append(text, at);
  return out;
}

}  // namespace axl::tokenizer
