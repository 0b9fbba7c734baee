#include "tokenizer/normalizer.hpp"

#include <memory>

#include "core/json.hpp"
#include "tokenizer/base64.hpp"
#include "tokenizer/bert_normalizer.hpp"
#include "tokenizer/byte_level.hpp"
#include "tokenizer/json_fields.hpp"
#include "tokenizer/precompiled_map.hpp"
#include "tokenizer/regex.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/unicode_sets.hpp"

namespace axl::tokenizer {
namespace {

using Step = std::function<bool(std::string&)>;

/// A step that drops characters whatever stands beside them: the front goes if its first one does.
template <class Rewrite>
Step dropping(Rewrite rewrite) {
  return [rewrite](std::string& text) {
    if (text.empty()) return false;
    const char* const begin = text.data();
    std::string first(text, 0, unicode::decode(begin, begin + text.size()).bytes);
    rewrite(first);
    rewrite(text);
    return first.empty();
  };
}

/// A step that leaves something for every character.
template <class Rewrite>
Step keeping(Rewrite rewrite) {
  return [rewrite](std::string& text) {
    rewrite(text);
    return false;
  };
}

Step normal_form(unicode::Form form) {
  return keeping([form](std::string& text) {
    if (!unicode::is_ascii(text)) text = unicode::normalize(text, form);
  });
}

Step replace(const nlohmann::ordered_json& spec) {
  const auto [is_regex, pattern] = read_pattern(spec);
  const std::string content = field_string(spec, "content");
  if (is_regex || pattern.empty()) {  // no text at all is found between all characters
    const auto regex = std::make_shared<const Regex>(pattern);
    return [regex, content](std::string& text) {
      bool front = false;
      text = regex->replace_all(text, content, &front);
      return front && content.empty();
    };
  }
  return [pattern = pattern, content](std::string& text) {
    const bool front = content.empty() && text.starts_with(pattern);
    replace_literal(text, pattern, content);
    return front;
  };
}

bool strip(std::string& text, bool left, bool right) {
  std::size_t begin = 0, end = text.size();
  const char* p = text.data();
  while (left && begin < end) {
    const unicode::Decoded d = unicode::decode(p + begin, p + end);
    if (!unicode::is_space(d.code)) break;
    begin += d.bytes;
  }
  while (right && end > begin) {
    std::size_t start = end - 1;
    while (start > begin && (static_cast<unsigned char>(p[start]) & 0xC0) == 0x80) --start;
    if (!unicode::is_space(unicode::decode(p + start, p + end).code)) break;
    end = start;
  }
  text = text.substr(begin, end - begin);
  return begin > 0;
}

void strip_accents(std::string& text) {
  std::string out;
  for (const char *p = text.data(), *end = p + text.size(); p < end;) {
    const unicode::Decoded d = unicode::decode(p, end);
    if (!unicode::is_combining_mark(d.code)) out.append(p, d.bytes);
    p += d.bytes;
  }
  text = std::move(out);
}

/// The rules of the neural translation models of SentencePiece: control characters go, odd spaces
/// become the space.
void nmt(std::string& text) {
  std::string out;
  for (const char *p = text.data(), *end = p + text.size(); p < end;) {
    const unicode::Decoded d = unicode::decode(p, end);
    const char32_t c = d.code;
    if (c == 9 || c == 10 || c == 12 || c == 13 || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
        c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD) {
      out += ' ';
    } else if (!((c >= 1 && c <= 8) || c == 11 || (c >= 14 && c <= 31) || c == 0x7F || c == 0x8F ||
                 c == 0x9F)) {
      out.append(p, d.bytes);
    }
    p += d.bytes;
  }
  text = std::move(out);
}

Step precompiled(const nlohmann::ordered_json& spec) {
  const auto it = spec.find("precompiled_charsmap");
  if (it == spec.end() || it->is_null()) return [](std::string&) { return false; };
  const auto map = std::make_shared<const PrecompiledMap>(
      decode_base64(field_string(spec, "precompiled_charsmap")));
  return keeping([map](std::string& text) { map->apply(text); });
}

}  // namespace

Normalizer::Normalizer(const nlohmann::ordered_json& spec) {
  if (!spec.is_null()) add(spec, 0);
}

void Normalizer::add(const nlohmann::ordered_json& spec, int depth) {
  const std::string type = component_type(spec, "normalizer", depth);
  if (type == "Sequence") {
    for (const auto& part : field_array(spec, "normalizers")) add(part, depth + 1);
  } else if (type == "NFC") {
    steps_.push_back(normal_form(unicode::Form::nfc));
  } else if (type == "NFD") {
    steps_.push_back(normal_form(unicode::Form::nfd));
  } else if (type == "NFKC") {
    steps_.push_back(normal_form(unicode::Form::nfkc));
  } else if (type == "NFKD") {
    steps_.push_back(normal_form(unicode::Form::nfkd));
  } else if (type == "Lowercase") {
    steps_.push_back(keeping([](std::string& text) { text = unicode::lower(text); }));
  } else if (type == "Replace") {
    steps_.push_back(replace(spec));
  } else if (type == "Prepend") {
    steps_.push_back(keeping([what = field_string(spec, "prepend")](std::string& text) {
      if (!text.empty()) text.insert(0, what);
    }));
  } else if (type == "Strip") {
    const bool left = field_bool(spec, "strip_left", true);
    const bool right = field_bool(spec, "strip_right", true);
    steps_.emplace_back([left, right](std::string& text) { return strip(text, left, right); });
  } else if (type == "StripAccents") {
    steps_.push_back(dropping(&strip_accents));
  } else if (type == "ByteLevel") {
    steps_.push_back(keeping([](std::string& text) { text = byte_level::encode(text); }));
  } else if (type == "BertNormalizer") {
    steps_.push_back(dropping(BertNormalizer(spec)));
  } else if (type == "Nmt") {
    steps_.push_back(dropping(&nmt));
  } else if (type == "Precompiled") {
    steps_.push_back(precompiled(spec));
  } else {
    unknown_type("normalizer", type,
                 "NFC, NFD, NFKC, NFKD, Lowercase, Replace, Prepend, Strip, StripAccents, "
                 "ByteLevel, BertNormalizer, Nmt, Precompiled, Sequence");
  }
}

bool Normalizer::apply(std::string& text) const {
  bool front = false;
  for (const auto& step : steps_) front = step(text) || front;
  return front;
}

}  // namespace axl::tokenizer
