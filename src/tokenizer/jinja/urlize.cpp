#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

#include "tokenizer/jinja/filter_helpers.hpp"
#include "tokenizer/jinja/text.hpp"
#include "tokenizer/regex.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer::jinja {
namespace {

bool is_whole(const Regex& pattern, std::string_view text) {
  std::vector<Span> found;
  const auto size = static_cast<std::uint32_t>(text.size());
  pattern.find_all(text, {0, size}, found);
  return found.size() == 1 && found[0] == Span{0, size};
}

/// An address that a browser opens: a scheme or www. before any top-level domain, or one of the old
/// seven domains behind a bare name, or a numeric host behind a scheme.
bool is_web_address(std::string_view text) {
  static const Regex pattern = [] {
    const std::string name = "[\\p{L}\\p{N}_%-]";
    const std::string named =
        "(?:https?://|www\\.)(?:" + name + "+\\.)*(?:[a-z]{2,63}|xn--[\\p{L}\\p{N}_%]{2,59})";
    const std::string old = "(?:" + name + "{2,63}\\.)+(?:com|edu|gov|info|int|mil|net|org)";
    const std::string numbers =
        "https?://(?:[0-9]{1,3}(?:\\.[0-9]{1,3}){3}|"
        "\\[(?:[0-9a-f]{0,4}:){2}(?:[0-9a-f]{0,4}:?){1,6}\\])";
    return Regex("(?i)\\A(?:" + named + "|" + old + "|" + numbers +
                 ")(?::[0-9]{1,5})?(?:[/?#]\\S*)?\\z");
  }();
  return is_whole(pattern, text);
}

bool is_mail_address(std::string_view text) {
  static const Regex pattern("\\A\\S+@[\\p{L}\\p{N}_][\\p{L}\\p{N}_.-]*\\.[\\p{L}\\p{N}_]+\\z");
  return is_whole(pattern, text);
}

struct Style {
  std::string attributes;     ///< rel and target, escaped
  std::int64_t longest = -1;  ///< of the text of a link, in characters; -1 = all
  std::vector<std::string> schemes;
};

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t n = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size())
    ++n;
  return n;
}

std::string shortened(const std::string& text, std::int64_t longest) {
  if (longest < 0 || static_cast<std::int64_t>(unicode::count(text)) <= longest) return text;
  const std::u32string characters = unicode::to_utf32(text);
  std::string out;
  for (const char32_t c : characters.substr(0, static_cast<std::size_t>(longest)))
    unicode::append(c, out);
  return out + "...";
}

std::string link(const std::string& word, const Style& style) {
  const auto to = [&](const std::string& target, const std::string& text,
                      const std::string& attributes) {
    return "<a href=\"" + target + "\"" + attributes + ">" + text + "</a>";
  };
  if (is_web_address(word)) {
    const bool schemed = word.starts_with("https://") || word.starts_with("http://");
    return to(schemed ? word : "https://" + word, shortened(word, style.longest), style.attributes);
  }
  if (word.starts_with("mailto:") && is_mail_address(std::string_view(word).substr(7)))
    return to(word, word.substr(7), "");
  if (word.find('@') != std::string::npos && !word.starts_with("www.") && word[0] != '@' &&
      word.find(':') == std::string::npos && is_mail_address(word))
    return to("mailto:" + word, word, "");
  std::string out = word;
  for (const std::string& scheme : style.schemes)
    if (out != scheme && out.starts_with(scheme)) out = to(out, out, style.attributes);
  return out;
}

/// Brackets and punctuation around an address are no part of it, but for a closing bracket that the
/// address itself opens. The text is HTML already.
std::string word_as_link(std::string_view word, const Style& style) {
  static constexpr std::array<std::string_view, 3> kOpening{"(", "<", "&lt;"};
  static constexpr std::array<std::string_view, 3> kClosing{")", ">", "&gt;"};
  static constexpr std::array<std::string_view, 6> kTrailing{")", ">", ".", ",", "\n", "&gt;"};
  std::size_t from = 0, to = word.size();
  const auto step = [&](const auto& marks, bool front) {
    for (const std::string_view mark : marks) {
      const std::string_view rest = word.substr(from, to - from);
      if (front ? !rest.starts_with(mark) : !rest.ends_with(mark)) continue;
      (front ? from += mark.size() : to -= mark.size());
      return true;
    }
    return false;
  };
  while (step(kOpening, true)) {
  }
  while (step(kTrailing, false)) {
  }
  for (std::size_t k = 0; k < kOpening.size(); ++k) {
    const std::string_view middle = word.substr(from, to - from), tail = word.substr(to);
    const std::size_t opened = count(middle, kOpening[k]);
    if (opened <= count(middle, kClosing[k])) continue;
    for (std::size_t n = std::min(opened, count(tail, kClosing[k])); n > 0; --n)
      to = word.find(kClosing[k], to) + kClosing[k].size();
  }
  return std::string(word.substr(0, from)) +
         link(std::string(word.substr(from, to - from)), style) + std::string(word.substr(to));
}

}  // namespace

Value f_urlize(Interpreter& i, const Value& v, const Arguments& a) {
  Style style;
  const Value longest = option(a, 0, "trim_url_limit", None{});
  if (longest.is_integral()) style.longest = std::max<std::int64_t>(0, longest.as_int());
  std::set<std::string> rel{"noopener"};  // Jinja's own policy
  if (option(a, 1, "nofollow", false).truthy()) rel.insert("nofollow");
  const Value target = option(a, 2, "target", None{});
  const Value given = option(a, 3, "rel", None{});
  if (given.truthy())
    for (const std::string& word : split_words(given.str(), -1)) rel.insert(word);
  std::string all;
  for (const std::string& word : rel) all += (all.empty() ? "" : " ") + word;
  style.attributes = " rel=\"" + html_escaped(all) + "\"";
  if (target.truthy()) style.attributes += " target=\"" + html_of(target) + "\"";
  const Value schemes = option(a, 4, "extra_schemes", None{});
  static const Regex scheme("\\A[\\p{L}\\p{N}_.+-]{2,}:/{0,2}\\z");
  if (!schemes.is_none())
    for (const Value& item : schemes.iterate()) {
      if (!item.is_string() || !is_whole(scheme, item.as_string()))
        fail(item.repr() + " is not a valid URI scheme prefix.");
      style.schemes.push_back(item.as_string());
    }
  const std::string text = html_of(v);
  i.charge(text.size());
  std::string out, word;
  const auto flush = [&] {
    constexpr std::size_t kLongest = 4096;  // the patterns go back over a word again and again
    if (word.size() > kLongest) fail("urlize: a word of more than 4096 bytes");
    i.charge(word.size() * word.size() / 16);
    if (!word.empty()) out += word_as_link(word, style);
    word.clear();
    check_size(out.size());
  };
  for (const char *p = text.data(), *end = p + text.size(); p < end;) {
    const unicode::Decoded d = unicode::decode(p, end);
    if (python_space(d.code)) {
      flush();
      out.append(p, d.bytes);
    } else {
      word.append(p, d.bytes);
    }
    p += d.bytes;
  }
  flush();
  return out;
}

}  // namespace axl::tokenizer::jinja
