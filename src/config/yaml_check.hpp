#pragma once
#include <map>
#include <string>

#include "config/yaml_scanner.hpp"

namespace axl::config {

/// yaml-cpp reads some texts that PyYAML refuses (a quote that is never closed swallows the rest of
/// the file, a line without its colon is dropped) and reads some scalars otherwise. So a text is
/// looked through first under PyYAML's rules.
struct CheckedYaml {
  std::string text;  ///< what yaml-cpp is given: the same with one kind of line break
  /// Values of the scalars in quotes, in blocks or over several lines, by the place of their node.
  std::map<YamlMark, std::string> scalars;
};

/// Error{config} with file, line and column for whatever PyYAML's safe_load refuses in reading
/// `text`, which is UTF-8: characters, tokens, structure, anchors and aliases.
CheckedYaml check_yaml(const std::string& text, const std::string& file);

}  // namespace axl::config
