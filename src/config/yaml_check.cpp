#include "config/yaml_check.hpp"

#include <fmt/format.h>

#include <optional>

#include "config/node.hpp"
#include "core/error.hpp"

namespace axl::config {
namespace {

using Kind = YamlToken::Kind;

[[noreturn]] void refuse_character(const std::string& file, YamlMark at, std::uint32_t code,
                                   const char* hint) {
  throw Error(ErrorCode::config,
              fmt::format("not valid YAML: the character U+{:04X} is not allowed", code))
      .at({file, at.line + 1, at.column + 1, ""})
      .hint(hint);
}

/// CR, CR LF and NEL become LF. Control characters are refused as PyYAML refuses them; so are the
/// two separators of lines and paragraphs, which end a line there and not for yaml-cpp.
std::string with_line_feeds(const std::string& text, const std::string& file) {
  std::string out;
  out.reserve(text.size());
  YamlMark at;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    std::uint32_t code = length == 1 ? lead : lead & (0x7FU >> length);
    for (std::size_t k = 1; k < length; ++k)
      code = code << 6 | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    if (code == 0x2028 || code == 0x2029)
      refuse_character(file, at, code, "write it as \\u2028 or \\u2029 in double quotes");
    const bool control = (code < 0x20 && code != '\t' && code != '\n' && code != '\r') ||
                         (code >= 0x7F && code < 0xA0 && code != 0x85) || code == 0xFFFE ||
                         code == 0xFFFF;
    if (control)
      refuse_character(file, at, code, "write it as an escape in double quotes: \"\\x07\"");
    const bool carriage_return = code == '\r';
    i += length;
    if (carriage_return || code == 0x85 || code == '\n') {
      if (carriage_return && i < text.size() && text[i] == '\n') ++i;
      out += '\n';
      ++at.line;
      at.column = 0;
    } else {
      out.append(text, i - length, length);
      at.column += static_cast<int>(length);
    }
  }
  return out;
}

/// Walks the grammar; keeps nothing but what yaml-cpp may read otherwise.
class Grammar {
 public:
  Grammar(const CheckedYaml& checked, const std::string& file,
          std::map<YamlMark, std::string>& scalars)
      : tokens_(checked.text, file), scalars_(scalars) {}

  void stream() {
    bool first = true;
    for (;;) {
      while (!first && is(Kind::document_end)) tokens_.take();
      if (is(Kind::stream_end)) return;
      const bool directives = is(Kind::directive);
      while (is(Kind::directive)) tokens_.take();
      if (is(Kind::document_start)) {
        tokens_.take();
        if (!is(Kind::directive) && !is(Kind::document_start) && !is(Kind::document_end) &&
            !is(Kind::stream_end))
          node(Context::block);
      } else if (directives || !first) {
        tokens_.fail(here(), "a document begins with '---' here");
      } else {
        node(Context::block);
      }
      anchors_.clear();
      first = false;
    }
  }
  const std::vector<std::size_t>& split_characters() const { return tokens_.split_characters(); }

 private:
  enum class Context : std::uint8_t { block, block_value, flow };

  bool is(Kind kind) { return tokens_.peek().kind == kind; }
  YamlMark here() { return tokens_.peek().mark; }

  void node(Context context) {
    if (++depth_ > kMaxDepth + 1) throw_depth();
    content(context);
    --depth_;
  }
  [[noreturn]] void throw_depth() {
    tokens_.fail(here(), fmt::format("values are nested deeper than {} levels", kMaxDepth));
  }

  void content(Context context) {
    if (is(Kind::alias)) {
      const YamlToken alias = tokens_.take();
      if (!anchors_.contains(alias.text))
        tokens_.fail(alias.mark, fmt::format("the alias '*{}' has no anchor before it", alias.text),
                     "text that begins with '*' is quoted");
      return;
    }
    const YamlMark start = here();
    bool properties = false, anchor = false, tag = false;
    while ((is(Kind::anchor) && !anchor) || (is(Kind::tag) && !tag)) {
      properties = true;
      const YamlToken token = tokens_.take();
      (token.kind == Kind::anchor ? anchor : tag) = true;
      if (token.kind == Kind::tag) continue;
      const auto [first, added] = anchors_.emplace(token.text, token.mark);
      if (!added)
        tokens_.fail(token.mark, fmt::format("the anchor '&{}' is given twice, first in line {}",
                                             token.text, first->second.line + 1));
    }
    if (context == Context::block_value && is(Kind::block_entry)) return indentless_sequence();
    switch (tokens_.peek().kind) {
      case Kind::scalar: {
        YamlToken scalar = tokens_.take();
        if (!scalar.simple) scalars_.emplace(start, std::move(scalar.text));
        return;
      }
      case Kind::flow_sequence_start:
        return flow_sequence();
      case Kind::flow_map_start:
        return flow_map();
      case Kind::block_sequence_start:
        if (context != Context::flow) return block_sequence();
        break;
      case Kind::block_map_start:
        if (context != Context::flow) return block_map();
        break;
      default:
        break;
    }
    if (!properties) unexpected("a value");
  }

  /// What stands where `wanted` should.
  [[noreturn]] void unexpected(const std::string& wanted) {
    const char* found = nullptr;
    switch (tokens_.peek().kind) {
      case Kind::stream_end:
        found = "the end of the text";
        break;
      case Kind::document_start:
      case Kind::document_end:
        found = "the end of the document";
        break;
      case Kind::block_end:
        found = "a line that is indented less";
        break;
      case Kind::block_map_start:
      case Kind::key:
        found = "a key";
        break;
      case Kind::block_sequence_start:
      case Kind::block_entry:
        found = "an entry of a list";
        break;
      case Kind::value:
        found = "':'";
        break;
      case Kind::flow_entry:
        found = "','";
        break;
      case Kind::flow_sequence_end:
        found = "']'";
        break;
      case Kind::flow_map_end:
        found = "'}'";
        break;
      default:
        found = "a value";
    }
    tokens_.fail(here(), fmt::format("{} stands where {} is expected", found, wanted));
  }

  void block_sequence() {
    tokens_.take();
    while (is(Kind::block_entry)) {
      tokens_.take();
      if (!is(Kind::block_entry) && !is(Kind::block_end)) node(Context::block);
    }
    if (!is(Kind::block_end)) unexpected("the next '- ' of the list");
    tokens_.take();
  }

  /// A list as the value of a key that is indented as far as itself.
  void indentless_sequence() {
    while (is(Kind::block_entry)) {
      tokens_.take();
      if (!is(Kind::block_entry) && !is(Kind::key) && !is(Kind::value) && !is(Kind::block_end))
        node(Context::block);
    }
  }

  bool block_map_part_ends() { return is(Kind::key) || is(Kind::value) || is(Kind::block_end); }

  void block_map() {
    tokens_.take();
    while (is(Kind::key) || is(Kind::value)) {
      if (is(Kind::key)) {
        tokens_.take();
        if (!block_map_part_ends()) node(Context::block_value);
      } else {
        // PyYAML takes a value without a key at the very beginning of a map only as an error.
        unexpected("a key");
      }
      if (!is(Kind::value)) continue;
      tokens_.take();
      if (!block_map_part_ends()) node(Context::block_value);
    }
    if (!is(Kind::block_end)) unexpected("the next key");
    tokens_.take();
  }

  void require_close(Kind close, YamlMark open, const char* wanted) {
    if (is(Kind::stream_end) || is(Kind::document_start) || is(Kind::document_end))
      tokens_.fail(open, "the bracket that begins here is never closed");
    if (!is(close) && !is(Kind::flow_entry))
      unexpected(fmt::format("{} of the bracket in line {}, column {}", wanted, open.line + 1,
                             open.column + 1));
  }

  void flow_sequence() {
    const YamlMark open = tokens_.take().mark;
    for (bool first = true; !is(Kind::flow_sequence_end); first = false) {
      if (!first) {
        require_close(Kind::flow_sequence_end, open, "',' or ']'");
        if (is(Kind::flow_entry)) tokens_.take();
        if (is(Kind::flow_sequence_end)) break;
      }
      if (is(Kind::key)) {  // a map of one pair
        pair(Kind::flow_sequence_end);
      } else {
        end_of_text(open);
        node(Context::flow);
      }
    }
    tokens_.take();
  }

  void flow_map() {
    const YamlMark open = tokens_.take().mark;
    for (bool first = true; !is(Kind::flow_map_end); first = false) {
      if (!first) {
        require_close(Kind::flow_map_end, open, "',' or '}'");
        if (is(Kind::flow_entry)) tokens_.take();
        if (is(Kind::flow_map_end)) break;
      }
      if (is(Kind::key)) {
        pair(Kind::flow_map_end);
      } else {
        end_of_text(open);
        node(Context::flow);
      }
    }
    tokens_.take();
  }

  void end_of_text(YamlMark open) {
    if (is(Kind::stream_end)) tokens_.fail(open, "the bracket that begins here is never closed");
  }

  void pair(Kind close) {
    tokens_.take();
    if (!is(Kind::value) && !is(Kind::flow_entry) && !is(close)) node(Context::flow);
    if (!is(Kind::value)) return;
    tokens_.take();
    if (!is(Kind::flow_entry) && !is(close)) node(Context::flow);
  }

  YamlScanner tokens_;
  std::map<YamlMark, std::string>& scalars_;
  std::map<std::string, YamlMark> anchors_;
  std::size_t depth_ = 0;
};

}  // namespace

CheckedYaml check_yaml(const std::string& text, const std::string& file) {
  CheckedYaml out{with_line_feeds(text, file), {}};
  Grammar grammar(out, file, out.scalars);
  grammar.stream();
  // yaml-cpp refuses them; their scalar's value is known already.
  constexpr std::size_t kBytes = 12;
  for (const std::size_t at : grammar.split_characters()) out.text.replace(at, kBytes, kBytes, 'x');
  return out;
}

}  // namespace axl::config
