#include "core/error.hpp"
#include "data/sources/decode.hpp"

namespace axl::data {
namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// Follows strings and brackets; the elements themselves are parsed later, so that a broken one
/// spoils only itself.
class Array final : public Decoder {
 public:
  explicit Array(std::string path) : path_(std::move(path)) {}

  void append(std::string_view piece, const TextSink& out) override {
    std::string text;
    for (std::size_t i = 0; i < piece.size(); ++i) {
      const char c = piece[i];
      if (kind_ == Kind::unknown) {
        if (is_space(c) || static_cast<unsigned char>(c) >= 0x80) continue;  // BOM
        kind_ = c == '[' ? Kind::array : Kind::lines;
        if (kind_ == Kind::array) continue;
      }
      if (kind_ == Kind::lines) {
        out(piece.substr(i));
        return;
      }
      if (kind_ == Kind::ended) {
        if (!is_space(c)) throw Error(ErrorCode::data, path_ + ": text after the end of the array");
        continue;
      }
      take(c, text);
    }
    if (!text.empty()) out(text);
  }

  void finish(const TextSink&) override {
    if (kind_ == Kind::array) throw Error(ErrorCode::data, path_ + ": the array is not closed");
  }

 private:
  void take(char c, std::string& text) {
    if (in_string_) {
      text += c;
      if (escaped_)
        escaped_ = false;
      else if (c == '\\')
        escaped_ = true;
      else if (c == '"')
        in_string_ = false;
      return;
    }
    if (depth_ == 0 && (c == ',' || c == ']')) {
      if (in_row_) text += '\n';
      in_row_ = false;
      if (c == ']') kind_ = Kind::ended;
      return;
    }
    if (is_space(c)) {
      if (in_row_) text += ' ';
      return;
    }
    in_row_ = true;
    text += c;
    if (c == '"')
      in_string_ = true;
    else if (c == '{' || c == '[')
      ++depth_;
    else if ((c == '}' || c == ']') && depth_ > 0)
      --depth_;
  }

  enum class Kind { unknown, array, lines, ended };
  std::string path_;
  Kind kind_ = Kind::unknown;
  int depth_ = 0;
  bool in_row_ = false, in_string_ = false, escaped_ = false;
};

}  // namespace

std::unique_ptr<Decoder> array_decoder(std::string path) {
  return std::make_unique<Array>(std::move(path));
}

}  // namespace axl::data
