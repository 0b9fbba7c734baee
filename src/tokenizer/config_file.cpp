#include "tokenizer/config_file.hpp"

#include "core/error.hpp"
#include "core/input_file.hpp"
#include "core/json.hpp"

namespace axl::tokenizer {
namespace {

/// Nesting beyond what any tokenizer file has: refused before a recursive value is built of it.
void refuse_deep(const std::string& text, const std::string& path) {
  constexpr int kDeepest = 256;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth > kDeepest)
      throw Error(ErrorCode::input, "nested deeper than 256 levels").at({path, 0, 0, ""});
  }
}

}  // namespace

nlohmann::ordered_json read_object(const std::filesystem::path& path) {
  const std::string text = read_text(path);
  refuse_deep(text, path.string());
  auto value = try_parse_json<nlohmann::ordered_json>(text);
  if (!value.is_object())
    throw Error(ErrorCode::input, "must hold one JSON object").at({path.string(), 0, 0, ""});
  return value;
}

}  // namespace axl::tokenizer
