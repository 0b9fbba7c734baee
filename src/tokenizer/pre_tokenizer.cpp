#include "tokenizer/pre_tokenizer.hpp"

#include <array>
#include <memory>

#include "core/json.hpp"
#include "tokenizer/byte_level.hpp"
#include "tokenizer/json_fields.hpp"
#include "tokenizer/split_behavior.hpp"
#include "tokenizer/split_scanner.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/unicode_sets.hpp"

namespace axl::tokenizer {
namespace {

using Json = nlohmann::ordered_json;

/// Runs `cut(text, span, out)` over every piece.
template <class Cut>
void refine(Pieces& pieces, const Cut& cut) {
  pieces.scratch.clear();
  for (const Span& s : pieces.spans) cut(pieces.text, s, pieces.scratch);
  pieces.spans.swap(pieces.scratch);
}

/// Writes a new text piece by piece: `rewrite(piece, is_first, out)` appends to `out`.
template <class Rewrite>
void rewrite_text(Pieces& pieces, const Rewrite& rewrite) {
  std::string text;
  text.reserve(pieces.text.size() * 2);
  // Where a step before has dropped the start of the text, no piece stands there any more.
  if (!pieces.spans.empty() && pieces.spans.front().begin > 0) pieces.at_start = false;
  bool first = pieces.at_start;
  for (Span& s : pieces.spans) {
    const auto begin = static_cast<std::uint32_t>(text.size());
    rewrite(pieces.text.substr(s.begin, s.end - s.begin), first, text);
    s = {begin, static_cast<std::uint32_t>(text.size())};
    first = false;
  }
  pieces.storage = std::move(text);
  pieces.text = pieces.storage;
}

/// A predicate on single characters, with its answers for ASCII in a table.
class CharacterSet {
 public:
  using Predicate = bool (*)(char32_t);
  explicit CharacterSet(Predicate predicate) : predicate_(predicate) {
    for (std::size_t c = 0; c < ascii_.size(); ++c) ascii_[c] = predicate(static_cast<char32_t>(c));
  }

  /// Each character of the piece that is in the set.
  void find(std::string_view text, Span piece, std::vector<Span>& out) const {
    const char* const end = text.data() + piece.end;
    for (std::uint32_t at = piece.begin; at < piece.end;) {
      const auto byte = static_cast<unsigned char>(text[at]);
      if (byte < 0x80) {
        if (ascii_[byte]) out.push_back({at, at + 1});
        ++at;
        continue;
      }
      const unicode::Decoded d = unicode::decode(text.data() + at, end);
      if (predicate_(d.code)) out.push_back({at, at + d.bytes});
      at += d.bytes;
    }
  }

 private:
  Predicate predicate_;
  std::array<bool, 128> ascii_{};
};

void find_literal(std::string_view text, Span piece, std::string_view wanted,
                  std::vector<Span>& out) {
  if (wanted.empty()) return;
  const std::string_view inside = text.substr(0, piece.end);
  for (std::size_t hit = inside.find(wanted, piece.begin); hit != std::string_view::npos;
       hit = inside.find(wanted, hit + wanted.size()))
    out.push_back(
        {static_cast<std::uint32_t>(hit), static_cast<std::uint32_t>(hit + wanted.size())});
}

using Step = std::function<void(Pieces&)>;

Step scanner_step(Scanner scan) {
  return [scan](Pieces& pieces) { refine(pieces, scan); };
}

template <class Find>
Step split_step(Find find, SplitBehavior behavior, bool invert) {
  return [find = std::move(find), behavior, invert](Pieces& pieces) {
    std::vector<Span> matches;
    refine(pieces, [&](std::string_view text, Span s, std::vector<Span>& out) {
      matches.clear();
      find(text, s, matches);
      split_at(s, matches, behavior, invert, out);
    });
  };
}

Step character_step(CharacterSet::Predicate wanted, SplitBehavior behavior) {
  return split_step(
      [set = CharacterSet(wanted)](std::string_view text, Span s, std::vector<Span>& out) {
        set.find(text, s, out);
      },
      behavior, false);
}

/// A piece begins at every `mark`: the behavior MergedWithNext, without a list of the matches.
Step begin_at(const std::string& mark) {
  return [mark](Pieces& pieces) {
    refine(pieces, [&mark](std::string_view text, Span s, std::vector<Span>& out) {
      const std::string_view inside = text.substr(0, s.end);
      std::size_t begin = s.begin;
      for (std::size_t hit = inside.find(mark, begin); hit != std::string_view::npos;
           hit = inside.find(mark, hit + mark.size())) {
        if (begin < hit)
          out.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(hit)});
        begin = hit;
      }
      if (begin < s.end) out.push_back({static_cast<std::uint32_t>(begin), s.end});
    });
  };
}

Step split(const Json& spec) {
  const auto [is_regex, pattern] = read_pattern(spec);
  const SplitBehavior behavior = parse_split_behavior(field_string(spec, "behavior"));
  const bool invert = field_bool(spec, "invert", false);
  if (!is_regex)
    return split_step(
        [pattern = pattern](std::string_view text, Span s, std::vector<Span>& out) {
          find_literal(text, s, pattern, out);
        },
        behavior, invert);
  // A scanner gives matches and what lies between them alike: all that Isolated keeps. Inverted,
  // Removed keeps the matches alone, which is the same where they leave no gap.
  const Scanner scan = scanner_for(pattern);
  if (scan != nullptr &&
      (behavior == SplitBehavior::isolated ||
       (behavior == SplitBehavior::removed && invert && matches_everything(pattern))))
    return scanner_step(scan);
  const auto regex = std::make_shared<const Regex>(pattern);
  return split_step([regex](std::string_view text, Span s,
                            std::vector<Span>& out) { regex->find_all(text, s, out); },
                    behavior, invert);
}

/// Each digit a piece of its own, or each run of digits; the rest stays together.
Step digits(const Json& spec) {
  if (field_bool(spec, "individual_digits", false)) return scanner_step(&scan_digits);
  return character_step([](char32_t c) { return (unicode::classes(c) & unicode::kNumber) != 0; },
                        SplitBehavior::contiguous);
}

/// Pieces of `length` characters, the last one shorter.
Step fixed_length(const Json& spec) {
  const std::int64_t length = spec.contains("length") ? field_integer(spec, "length") : 5;
  if (length < 1) throw_bad_field(spec, "length", "at least 1");
  return [length](Pieces& pieces) {
    refine(pieces, [length](std::string_view text, Span s, std::vector<Span>& out) {
      std::int64_t n = 0;
      std::uint32_t begin = s.begin;
      for (std::uint32_t at = s.begin; at < s.end;) {
        at += unicode::decode(text.data() + at, text.data() + s.end).bytes;
        if (++n % length != 0 && at < s.end) continue;
        out.push_back({begin, at});
        begin = at;
      }
    });
  };
}

/// A piece ends where the script changes; what goes with any script goes with the one before it,
/// and is lost where nothing is before it.
void split_scripts(std::string_view text, Span s, std::vector<Span>& out) {
  int last = -1;
  std::uint32_t begin = s.end;
  for (std::uint32_t at = s.begin; at < s.end;) {
    const unicode::Decoded d = unicode::decode(text.data() + at, text.data() + s.end);
    const int script = unicode::script(d.code);
    if (script >= 0 && script != last) {
      if (last >= 0) out.push_back({begin, at});
      begin = at;
      last = script;
    }
    at += d.bytes;
  }
  if (begin < s.end) out.push_back({begin, s.end});
}

/// SentencePiece's convention: spaces become U+2581, one is put before the text, and pieces begin
/// with it.
void metaspace(const Json& spec, std::vector<Step>& steps) {
  const std::string mark = field_string(spec, "replacement");
  std::string scheme = "always";
  if (spec.contains("prepend_scheme")) {
    scheme = field_string(spec, "prepend_scheme");
  } else if (!field_bool(spec, "add_prefix_space", true)) {
    scheme = "never";
  }
  if (scheme != "always" && scheme != "never" && scheme != "first")
    unknown_type("Metaspace prepend_scheme", scheme, "always, first, never");
  steps.emplace_back([mark, scheme](Pieces& pieces) {
    rewrite_text(pieces, [&](std::string_view piece, bool first, std::string& out) {
      std::string text(piece);
      replace_literal(text, " ", mark);
      const bool wanted = scheme == "always" || (scheme == "first" && first);
      if (wanted && !text.starts_with(mark)) out += mark;
      out += text;
    });
  });
  if (field_bool(spec, "split", true) && !mark.empty()) steps.push_back(begin_at(mark));
}

}  // namespace

PreTokenizer::PreTokenizer(const Json& spec) {
  if (spec.is_null()) return;
  std::vector<const Json*> parts;
  flatten(spec, 0, parts);
  for (std::size_t i = 0; i < parts.size(); ++i) add(*parts[i], i + 1 == parts.size());
}

void PreTokenizer::flatten(const Json& spec, int depth, std::vector<const Json*>& out) const {
  if (component_type(spec, "pre_tokenizer", depth) != "Sequence") {
    out.push_back(&spec);
    return;
  }
  for (const Json& part : field_array(spec, "pretokenizers")) flatten(part, depth + 1, out);
}

void PreTokenizer::add(const Json& spec, bool last) {
  const std::string type = component_type(spec, "pre_tokenizer", 0);
  if (type == "ByteLevel") {
    if (field_bool(spec, "add_prefix_space", true))
      steps_.emplace_back([](Pieces& pieces) {
        rewrite_text(pieces, [](std::string_view piece, bool, std::string& out) {
          if (!piece.starts_with(' ')) out += ' ';
          out += piece;
        });
      });
    if (field_bool(spec, "use_regex", true)) steps_.push_back(scanner_step(&scan_gpt2));
    byte_level_last_ = last;
    if (!last) spell_bytes();
  } else if (type == "Split") {
    steps_.push_back(split(spec));
  } else if (type == "Digits") {
    steps_.push_back(digits(spec));
  } else if (type == "Punctuation") {
    steps_.push_back(character_step(&unicode::is_punctuation,
                                    spec.contains("behavior")
                                        ? parse_split_behavior(field_string(spec, "behavior"))
                                        : SplitBehavior::isolated));
  } else if (type == "WhitespaceSplit") {
    steps_.push_back(character_step(&unicode::is_space, SplitBehavior::removed));
  } else if (type == "Whitespace") {
    steps_.push_back(character_step(&unicode::is_space, SplitBehavior::removed));
    steps_.push_back(character_step(&unicode::is_word, SplitBehavior::contiguous));
  } else if (type == "CharDelimiterSplit") {
    const std::string mark = field_string(spec, "delimiter");
    steps_.push_back(
        split_step([mark](std::string_view text, Span s,
                          std::vector<Span>& out) { find_literal(text, s, mark, out); },
                   SplitBehavior::removed, false));
  } else if (type == "Metaspace") {
    metaspace(spec, steps_);
  } else if (type == "BertPreTokenizer") {
    steps_.push_back(character_step(&unicode::is_space, SplitBehavior::removed));
    steps_.push_back(character_step(&unicode::is_punctuation, SplitBehavior::isolated));
  } else if (type == "FixedLength") {
    steps_.push_back(fixed_length(spec));
  } else if (type == "UnicodeScripts") {
    steps_.emplace_back([](Pieces& pieces) { refine(pieces, &split_scripts); });
  } else {
    unknown_type("pre_tokenizer", type,
                 "ByteLevel, Split, Digits, Punctuation, Whitespace, WhitespaceSplit, "
                 "CharDelimiterSplit, Metaspace, BertPreTokenizer, FixedLength, UnicodeScripts, "
                 "Sequence");
  }
}

void PreTokenizer::spell_bytes() {
  steps_.emplace_back([](Pieces& pieces) {
    rewrite_text(pieces, [](std::string_view piece, bool, std::string& out) {
      out += byte_level::encode(piece);
    });
  });
}

void PreTokenizer::apply(Pieces& pieces) const {
  for (const Step& step : steps_) step(pieces);
}

}  // namespace axl::tokenizer
