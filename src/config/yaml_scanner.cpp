#include "config/yaml_scanner.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace axl::config {

namespace {

constexpr std::size_t kLongestKey = 1024;

bool is_name(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
         c == '_';
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

void YamlScanner::fail(YamlMark at, const std::string& message, const std::string& hint) const {
  throw Error(ErrorCode::config, "not valid YAML: " + message)
      .at({file_, at.line + 1, at.column + 1, ""})
      .hint(hint.empty()
                ? "indent with spaces, put a space behind ':', quote text that holds ': ' or ' #'"
                : hint);
}

bool YamlScanner::blank_at(std::size_t ahead) const {
  if (at_ + ahead >= text_.size()) return true;
  const char c = text_[at_ + ahead];
  return c == ' ' || c == '\t' || c == '\n';
}

bool YamlScanner::document_mark_here(std::string_view mark) const {
  return column_ == 0 && text_.substr(std::min(at_, text_.size()), 3) == mark && blank_at(3);
}

void YamlScanner::skip(std::size_t bytes) {
  for (; bytes > 0 && at_ < text_.size(); --bytes, ++at_) {
    if (text_[at_] == '\n') {
      ++line_;
      column_ = 0;
    } else {
      ++column_;
    }
  }
}

bool YamlScanner::skip_break() {
  if (look() != '\n') return false;
  skip();
  return true;
}

void YamlScanner::add(YamlToken::Kind kind, std::size_t bytes) {
  tokens_.push_back({kind, mark(), "", false});
  skip(bytes);
}

const YamlToken& YamlScanner::peek() {
  while (more_needed()) fetch();
  return tokens_.front();
}

YamlToken YamlScanner::take() {
  peek();
  YamlToken out = std::move(tokens_.front());
  tokens_.pop_front();
  ++taken_;
  return out;
}

/// A token is certain when nothing before it can still become a key.
bool YamlScanner::more_needed() {
  if (done_) return false;
  if (tokens_.empty()) return true;
  drop_stale_keys();
  return std::any_of(keys_.begin(), keys_.end(),
                     [&](const auto& entry) { return entry.second.token == taken_; });
}

void YamlScanner::fetch() {
  using enum YamlToken::Kind;
  skip_to_token();
  drop_stale_keys();
  unwind(column_);
  if (ended()) {
    unwind(-1);
    forget_key();
    keys_.clear();
    key_allowed_ = false;
    done_ = true;
    return add(stream_end, 0);
  }
  const char c = look();
  if (c == '%' && column_ == 0) return fetch_directive();
  if (document_mark_here("---")) return fetch_document_mark(document_start);
  if (document_mark_here("...")) return fetch_document_mark(document_end);
  if (c == '[') return fetch_open(flow_sequence_start);
  if (c == '{') return fetch_open(flow_map_start);
  if (c == ']') return fetch_close(flow_sequence_end);
  if (c == '}') return fetch_close(flow_map_end);
  if (c == ',') {
    key_allowed_ = true;
    forget_key();
    return add(flow_entry, 1);
  }
  if (c == '-' && blank_at(1)) return fetch_entry();
  if (c == '?' && (flow_ > 0 || blank_at(1))) return fetch_key();
  if (c == ':' && (flow_ > 0 || blank_at(1))) return fetch_value();
  if (c == '*') return fetch_anchor(alias);
  if (c == '&') return fetch_anchor(anchor);
  if (c == '!') return fetch_tag();
  if (flow_ == 0 && (c == '|' || c == '>')) return fetch_block_scalar(c == '>');
  if (c == '\'' || c == '"') return fetch_quoted(c);
  constexpr std::string_view kIndicators = "-?:,[]{}#&*!|>'\"%@`\t";
  const bool plain = kIndicators.find(c) == std::string_view::npos ||
                     (!blank_at(1) && (c == '-' || (flow_ == 0 && (c == '?' || c == ':'))));
  if (plain) return fetch_plain();
  if (c == '\t')
    fail(mark(), "a tab stands where only spaces may", "indent and separate with spaces");
  fail(mark(), std::string("nothing can begin with '") + c + "'", "put the text in quotes");
}

void YamlScanner::skip_to_token() {
  if (at_ == 0 && text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
  for (;;) {
    while (look() == ' ') skip();
    if (look() == '#')
      while (!ended() && look() != '\n') skip();
    if (!skip_break()) return;
    if (flow_ == 0) key_allowed_ = true;
  }
}

void YamlScanner::unwind(int column) {
  if (flow_ > 0) return;
  while (indent_ > column) {
    indent_ = indents_.back();
    indents_.pop_back();
    add(YamlToken::Kind::block_end, 0);
  }
}

bool YamlScanner::indent_to(int column) {
  if (indent_ >= column) return false;
  indents_.push_back(indent_);
  indent_ = column;
  return true;
}

void YamlScanner::fail_without_colon(const PossibleKey& key) const {
  std::string_view line = text_.substr(key.at);
  line = line.substr(0, std::min(line.find('\n'), line.size()));
  constexpr std::size_t kShown = 40;
  fail(
      key.mark,
      "there is no ':' behind this key: " + std::string(line.substr(0, kShown)) +
          (line.size() > kShown ? " ..." : ""),
      "a line is `key: value`, or begins with '- ' in a list; text over several lines is indented");
}

void YamlScanner::remember_key() {
  const bool required = flow_ == 0 && indent_ == column_;
  if (!key_allowed_) return;
  forget_key();
  keys_[flow_] = {taken_ + tokens_.size(), required, at_, mark()};
}

void YamlScanner::forget_key() {
  const auto key = keys_.find(flow_);
  if (key == keys_.end()) return;
  if (key->second.required) fail_without_colon(key->second);
  keys_.erase(key);
}

void YamlScanner::drop_stale_keys() {
  for (auto key = keys_.begin(); key != keys_.end();) {
    const bool stale =
        key->second.mark.line != line_ ||
        (at_ - key->second.at > kLongestKey &&
         characters(text_.substr(key->second.at, at_ - key->second.at)) > kLongestKey);
    if (stale && key->second.required) fail_without_colon(key->second);
    key = stale ? keys_.erase(key) : std::next(key);
  }
}

void YamlScanner::fetch_document_mark(YamlToken::Kind kind) {
  unwind(-1);
  forget_key();
  key_allowed_ = false;
  add(kind, 3);
}

void YamlScanner::fetch_open(YamlToken::Kind kind) {
  remember_key();
  ++flow_;
  key_allowed_ = true;
  add(kind, 1);
}

void YamlScanner::fetch_close(YamlToken::Kind kind) {
  forget_key();
  if (flow_ == 0) fail(mark(), std::string("'") + look() + "' closes nothing");
  --flow_;
  key_allowed_ = false;
  add(kind, 1);
}

void YamlScanner::fetch_entry() {
  if (flow_ == 0) {
    if (!key_allowed_)
      fail(mark(), "an entry of a list cannot begin here", "'- ' stands first in its line");
    if (indent_to(column_)) add(YamlToken::Kind::block_sequence_start, 0);
  }
  key_allowed_ = true;
  forget_key();
  add(YamlToken::Kind::block_entry, 1);
}

void YamlScanner::fetch_key() {
  if (flow_ == 0) {
    if (!key_allowed_) fail(mark(), "a key cannot begin here");
    if (indent_to(column_)) add(YamlToken::Kind::block_map_start, 0);
  }
  key_allowed_ = flow_ == 0;
  forget_key();
  add(YamlToken::Kind::key, 1);
}

void YamlScanner::fetch_value() {
  const auto known = keys_.find(flow_);
  if (known != keys_.end()) {
    const PossibleKey key = known->second;
    keys_.erase(known);
    const auto insert = [&](YamlToken::Kind kind) {
      tokens_.insert(tokens_.begin() + static_cast<std::ptrdiff_t>(key.token - taken_),
                     {kind, key.mark, "", false});
    };
    insert(YamlToken::Kind::key);
    if (flow_ == 0 && indent_to(key.mark.column)) insert(YamlToken::Kind::block_map_start);
    key_allowed_ = false;
  } else {
    if (flow_ == 0) {
      if (!key_allowed_)
        fail(mark(), "a second ':' in the same value", "quote text that holds ': '");
      if (indent_to(column_)) add(YamlToken::Kind::block_map_start, 0);
    }
    key_allowed_ = flow_ == 0;
    forget_key();
  }
  add(YamlToken::Kind::value, 1);
}

/// %YAML and %TAG; what they say is of no use here, but they have to be well formed.
void YamlScanner::fetch_directive() {
  unwind(-1);
  forget_key();
  key_allowed_ = false;
  const YamlMark start = mark();
  std::string_view line = text_.substr(at_);
  line = line.substr(0, std::min(line.find('\n'), line.size()));
  std::string_view words = line.substr(0, std::min(line.find(" #"), line.size()));
  while (words.ends_with(' ')) words.remove_suffix(1);
  const std::string_view name = words.substr(
      1, words.find(' ') == std::string_view::npos ? std::string_view::npos : words.find(' ') - 1);
  const bool named = !name.empty() && std::all_of(name.begin(), name.end(), is_name);
  if (!named) fail(start, "'%' begins a directive, and this is none", "put the text in quotes");
  if (name == "YAML" && !words.substr(5).starts_with(" 1.") &&
      words.find("1.", 5) == std::string_view::npos)
    fail(start, "only YAML 1 can be read");
  tokens_.push_back({YamlToken::Kind::directive, start, std::string(words), false});
  skip(line.size());
  skip_break();
}

void YamlScanner::fetch_anchor(YamlToken::Kind kind) {
  remember_key();
  key_allowed_ = false;
  YamlToken token{kind, mark(), "", false};
  skip();
  while (is_name(look())) {
    token.text += look();
    skip();
  }
  const bool closed = flow_ > 0 && (look() == ',' || look() == ']' || look() == '}');
  if (token.text.empty() || (!blank_at(0) && !closed))
    fail(token.mark,
         std::string("'") + (kind == YamlToken::Kind::alias ? '*' : '&') +
             "' begins a name of letters and digits with a space behind it, and this is none",
         "put the text in quotes");
  tokens_.push_back(std::move(token));
}

void YamlScanner::fetch_tag() {
  remember_key();
  key_allowed_ = false;
  YamlToken token{YamlToken::Kind::tag, mark(), "", false};
  const bool verbatim = look(1) == '<';
  while (!blank_at(0)) {
    token.text += look();
    skip();
    if (verbatim && token.text.ends_with('>')) break;
  }
  const auto of_uri = [](char c) {
    return is_name(c) ||
           std::string_view("-;/?:@&=+$,_.!~*'()[]%").find(c) != std::string_view::npos;
  };
  std::string_view uri = token.text;
  uri.remove_prefix(1);
  if (verbatim && uri.size() > 2 && uri.ends_with('>')) uri = uri.substr(1, uri.size() - 2);
  const bool good = std::all_of(uri.begin(), uri.end(), of_uri) && (!verbatim || !uri.empty()) &&
                    (look() == ' ' || look() == '\n' || ended() || token.text == "!");
  if (!good) fail(token.mark, "'!' begins a tag, and this is none", "put the text in quotes");
  tokens_.push_back(std::move(token));
}

void YamlScanner::fetch_quoted(char quote) {
  remember_key();
  key_allowed_ = false;
  tokens_.push_back(quoted(quote));
}

void YamlScanner::fetch_plain() {
  remember_key();
  key_allowed_ = false;
  tokens_.push_back(plain());
}

void YamlScanner::fetch_block_scalar(bool folded) {
  key_allowed_ = true;
  forget_key();
  tokens_.push_back(block_scalar(folded));
}

}  // namespace axl::config
