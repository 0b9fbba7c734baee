#include "tokenizer/decoder.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include "core/json.hpp"
#include "tokenizer/byte_level.hpp"
#include "tokenizer/json_fields.hpp"
#include "tokenizer/regex.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer {
namespace {

using Tokens = std::vector<std::string>;
using Json = nlohmann::ordered_json;

void fuse(Tokens& tokens) {
  std::string all;
  for (const std::string& t : tokens) all += t;
  tokens.assign(1, std::move(all));
}

void byte_level_tokens(Tokens& tokens) {
  std::string bytes;
  for (const std::string& t : tokens) byte_level::decode_token(t, bytes);
  tokens.assign(1, unicode::lossy(bytes));
}

/// "<0x0A>" -> 10, -1 for any other token.
int fallback_byte(const std::string& token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return -1;
  int value = 0;
  for (const char c : token.substr(3, 2)) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/// Runs of byte tokens that are valid UTF-8 become that text, others one U+FFFD a byte.
void byte_fallback(Tokens& tokens) {
  Tokens out;
  std::string bytes;
  const auto flush = [&] {
    if (bytes.empty()) return;
    if (unicode::is_valid(bytes)) {
      out.push_back(bytes);
    } else {
      out.insert(out.end(), bytes.size(), "\xEF\xBF\xBD");
    }
    bytes.clear();
  };
  for (std::string& t : tokens) {
    const int byte = fallback_byte(t);
    if (byte >= 0) {
      bytes += static_cast<char>(byte);
      continue;
    }
    flush();
    out.push_back(std::move(t));
  }
  flush();
  tokens = std::move(out);
}

/// Takes up to `start` copies of `what` off the front of each token and up to `stop` off its end.
void strip(Tokens& tokens, const std::string& what, std::int64_t start, std::int64_t stop) {
  for (std::string& t : tokens) {
    std::size_t begin = 0, end = t.size();
    for (std::int64_t i = 0; i < start && t.compare(begin, what.size(), what) == 0; ++i)
      begin += what.size();
    for (std::int64_t i = 0; i < stop && end >= begin + what.size() &&
                             t.compare(end - what.size(), what.size(), what) == 0;
         ++i)
      end -= what.size();
    t = t.substr(begin, end - begin);
  }
}

/// The first token loses its marks, elsewhere they become spaces.
void metaspace(Tokens& tokens, const std::string& mark, bool drop_first) {
  for (std::size_t i = 0; i < tokens.size(); ++i)
    replace_literal(tokens[i], mark, i == 0 && drop_first ? "" : " ");
}

/// Takes out the spaces that English spelling does not have.
std::string clean_up(std::string text) {
  static constexpr std::array<std::array<std::string_view, 2>, 11> kRules{{{" .", "."},
                                                                           {" ?", "?"},
                                                                           {" !", "!"},
                                                                           {" ,", ","},
                                                                           {" ' ", "'"},
                                                                           {" n't", "n't"},
                                                                           {" 'm", "'m"},
                                                                           {" do not", " don't"},
                                                                           {" 's", "'s"},
                                                                           {" 've", "'ve"},
                                                                           {" 're", "'re"}}};
  for (const auto& [from, to] : kRules) replace_literal(text, from, to);
  return text;
}

/// Words are set apart by spaces; what begins with the prefix goes on with the word before it.
void word_piece(Tokens& tokens, const std::string& prefix, bool cleanup) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0) {
      if (tokens[i].starts_with(prefix)) {
        tokens[i].erase(0, prefix.size());
      } else {
        tokens[i].insert(0, 1, ' ');
      }
    }
    if (cleanup) tokens[i] = clean_up(std::move(tokens[i]));
  }
}

/// The suffix marks the end of a word: a space, but for the last token.
void word_suffix(Tokens& tokens, const std::string& suffix) {
  for (std::size_t i = 0; i < tokens.size(); ++i)
    replace_literal(tokens[i], suffix, i + 1 == tokens.size() ? "" : " ");
}

/// Connectionist temporal classification: repeated tokens count once, the padding token parts them.
struct Ctc {
  std::string pad;
  std::string delimiter;
  bool cleanup;
  void operator()(Tokens& tokens) const {
    tokens.erase(std::unique(tokens.begin(), tokens.end()), tokens.end());
    for (std::string& t : tokens) {
      replace_literal(t, pad, "");
      if (!cleanup) continue;
      t = clean_up(std::move(t));
      replace_literal(t, delimiter, " ");
    }
    std::erase_if(tokens, [](const std::string& t) { return t.empty(); });
  }
};

}  // namespace

Decoder::Decoder(const Json& spec) {
  joined_ = !spec.is_null();
  if (joined_) add(spec, 0);
}

void Decoder::add(const Json& spec, int depth) {
  const std::string type = component_type(spec, "decoder", depth);
  if (type == "Sequence") {
    for (const Json& part : field_array(spec, "decoders")) add(part, depth + 1);
  } else if (type == "ByteLevel") {
    steps_.emplace_back(&byte_level_tokens);
  } else if (type == "ByteFallback") {
    steps_.emplace_back(&byte_fallback);
  } else if (type == "Fuse") {
    steps_.emplace_back(&fuse);
  } else if (type == "Replace") {
    const auto [is_regex, pattern] = read_pattern(spec);
    const std::string content = field_string(spec, "content");
    const auto regex = is_regex ? std::make_shared<const Regex>(pattern) : nullptr;
    steps_.emplace_back([regex, literal = pattern, content](Tokens& tokens) {
      for (std::string& t : tokens) {
        if (regex) {
          t = regex->replace_all(t, content);
        } else {
          replace_literal(t, literal, content);
        }
      }
    });
  } else if (type == "Strip") {
    const std::string what = field_string(spec, "content");
    if (unicode::count(what) != 1) throw_bad_field(spec, "content", "one character");
    steps_.emplace_back(
        [what, start = field_integer(spec, "start"),
         stop = field_integer(spec, "stop")](Tokens& tokens) { strip(tokens, what, start, stop); });
  } else if (type == "Metaspace") {
    const bool drop = !spec.contains("prepend_scheme")
                          ? field_bool(spec, "add_prefix_space", true)
                          : field_string(spec, "prepend_scheme") != "never";
    steps_.emplace_back([mark = field_string(spec, "replacement"), drop](Tokens& tokens) {
      metaspace(tokens, mark, drop);
    });
  } else if (type == "WordPiece") {
    steps_.emplace_back([prefix = field_string_or(spec, "prefix", "##"),
                         cleanup = field_bool(spec, "cleanup", true)](Tokens& tokens) {
      word_piece(tokens, prefix, cleanup);
    });
  } else if (type == "BPEDecoder") {
    steps_.emplace_back([suffix = field_string_or(spec, "suffix", "</w>")](Tokens& tokens) {
      word_suffix(tokens, suffix);
    });
  } else if (type == "CTC") {
    steps_.emplace_back(Ctc{field_string_or(spec, "pad_token", "<pad>"),
                            field_string_or(spec, "word_delimiter_token", "|"),
                            field_bool(spec, "cleanup", true)});
  } else {
    unknown_type("decoder", type,
                 "ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace, WordPiece, BPEDecoder, "
                 "CTC, Sequence");
  }
}

std::string Decoder::decode(std::vector<std::string> tokens) const {
  for (const auto& step : steps_) step(tokens);
  std::string out;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (i > 0 && !joined_) out += ' ';
    out += tokens[i];
  }
  return out;
}

}  // namespace axl::tokenizer
