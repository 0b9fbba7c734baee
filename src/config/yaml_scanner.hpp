#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace axl::config {

/// A place in a YAML text, from 0; columns count bytes.
struct YamlMark {
  int line = 0, column = 0;
  bool operator<(const YamlMark& o) const {
    return line != o.line ? line < o.line : column < o.column;
  }
};

struct YamlToken {
  enum class Kind : std::uint8_t {
    stream_end,
    directive,
    document_start,
    document_end,
    block_sequence_start,
    block_map_start,
    block_end,
    flow_sequence_start,
    flow_sequence_end,
    flow_map_start,
    flow_map_end,
    block_entry,
    flow_entry,
    key,
    value,
    alias,
    anchor,
    tag,
    scalar
  };
  Kind kind;
  YamlMark mark;
  std::string text;     ///< of a scalar; name of an anchor or alias; handle and suffix of a tag
  bool simple = false;  ///< a scalar without quotes on one line: nothing of it is interpreted
};

/// Cuts a YAML text into tokens under the rules of YAML 1.1 with the restrictions and liberties
/// that PyYAML's safe_load has: keys on one line and of at most 1024 characters, no tabs before or
/// between tokens, indentation ignored inside brackets. Error{config} names the place where what is
/// wrong began.
class YamlScanner {
 public:
  /// `text` is UTF-8 whose line breaks are line feeds; both outlive the scanner.
  YamlScanner(std::string_view text, const std::string& file) : text_(text), file_(file) {}
  const YamlToken& peek();
  YamlToken take();
  /// Offsets of escapes that are two halves of a character, 12 bytes each.
  const std::vector<std::size_t>& split_characters() const { return split_characters_; }
  [[noreturn]] void fail(YamlMark at, const std::string& message,
                         const std::string& hint = "") const;

 private:
  /// Where a key may have begun that turns out to be one when its colon comes.
  struct PossibleKey {
    std::size_t token;  ///< its number, from the beginning of the text
    bool required;      ///< nothing else can stand there
    std::size_t at;
    YamlMark mark;
  };

  char look(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  bool blank_at(std::size_t ahead) const;
  bool document_mark_here(std::string_view mark) const;
  bool ended() const { return at_ >= text_.size(); }
  YamlMark mark() const { return {line_, column_}; }
  void skip(std::size_t bytes = 1);
  bool skip_break();
  void add(YamlToken::Kind kind, std::size_t bytes);

  void fetch();
  void skip_to_token();
  void unwind(int column);
  bool indent_to(int column);
  void remember_key();
  void forget_key();
  void drop_stale_keys();
  bool more_needed();
  [[noreturn]] void fail_without_colon(const PossibleKey& key) const;

  void fetch_document_mark(YamlToken::Kind kind);
  void fetch_open(YamlToken::Kind kind);
  void fetch_close(YamlToken::Kind kind);
  void fetch_entry();
  void fetch_key();
  void fetch_value();
  void fetch_directive();
  void fetch_anchor(YamlToken::Kind kind);
  void fetch_tag();
  void fetch_quoted(char quote);
  void fetch_plain();
  void fetch_block_scalar(bool folded);

  // yaml_scalars.cpp
  YamlToken quoted(char quote);
  YamlToken plain();
  YamlToken block_scalar(bool folded);
  void quoted_run(char quote, YamlMark start, std::string& out);
  void quoted_space(YamlMark start, std::string& out);
  std::string quoted_breaks(YamlMark start);
  void escape(YamlMark start, std::string& out);
  std::uint32_t hex(int digits, YamlMark start);
  bool plain_space(std::string& out);
  std::string block_breaks(int indent);

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
  int line_ = 0, column_ = 0;
  int flow_ = 0;     ///< brackets that are open
  int indent_ = -1;  ///< of the block collection that is open
  std::vector<int> indents_;
  bool key_allowed_ = true;
  bool done_ = false;
  std::size_t taken_ = 0;
  std::deque<YamlToken> tokens_;
  std::vector<std::size_t> split_characters_;
  std::map<int, PossibleKey> keys_;  ///< by flow_
};

}  // namespace axl::config
