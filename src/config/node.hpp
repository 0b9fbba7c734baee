#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace axl::config {

struct Entry;

/// A YAML value with its place in the file (1-based; 0 = it stands on the command line).
struct Node {
  enum class Kind : std::uint8_t { null, scalar, sequence, map };
  Kind kind = Kind::null;
  bool plain = true;  ///< a scalar without quotes: YAML may read it as a number or a boolean
  int line = 0;
  int column = 0;
  std::string text;            ///< of a scalar
  std::vector<Node> items;     ///< of a sequence
  std::vector<Entry> entries;  ///< of a map, in the file's order

  bool is_null() const { return kind == Kind::null; }
  const Entry* find(std::string_view key) const;
  Entry* find(std::string_view key);
};

struct Entry {
  std::string key;
  int line = 0;
  int column = 0;
  Node value;
};

/// Limits on hostile input; a real configuration is far below them.
inline constexpr std::size_t kMaxFileBytes = std::size_t{4} << 20;
inline constexpr std::size_t kMaxDepth = 64;
inline constexpr std::size_t kMaxNodes = 200000;  ///< after the expansion of aliases

/// Reads one YAML document with YAML 1.1's merge keys. Throws Error{config} with file, line and
/// column for a syntax error, a duplicate key (PyYAML would keep the last one silently), a second
/// document, an unknown tag, and whatever exceeds the limits above.
Node parse_yaml(const std::string& text, const std::string& file);

/// The file's text. Throws Error{config} when it is missing, a directory without exactly one YAML,
/// unreadable or larger than kMaxFileBytes; `path` becomes the YAML's own path.
std::string read_yaml_file(std::string& path);

/// What a plain scalar is under YAML 1.1 as PyYAML reads it.
bool is_yaml_null(std::string_view plain);
/// yes/no/on/off/true/false in lower, Title and UPPER case.
bool is_yaml_bool(std::string_view plain, bool& value);

}  // namespace axl::config
