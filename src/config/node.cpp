#include "config/node.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "config/yaml_check.hpp"
#include "core/error.hpp"
#include "core/input_file.hpp"
#include "core/utf8.hpp"

namespace axl::config {

const Entry* Node::find(std::string_view key) const {
  for (const Entry& e : entries)
    if (e.key == key) return &e;
  return nullptr;
}

Entry* Node::find(std::string_view key) {
  for (Entry& e : entries)
    if (e.key == key) return &e;
  return nullptr;
}

bool is_yaml_null(std::string_view s) {
  return s.empty() || s == "~" || s == "null" || s == "Null" || s == "NULL";
}

bool is_yaml_bool(std::string_view s, bool& value) {
  static constexpr std::array<std::string_view, 9> kTrue{"yes",  "Yes", "YES", "true", "True",
                                                         "TRUE", "on",  "On",  "ON"};
  static constexpr std::array<std::string_view, 9> kFalse{"no",    "No",  "NO",  "false", "False",
                                                          "FALSE", "off", "Off", "OFF"};
  if (std::find(kTrue.begin(), kTrue.end(), s) != kTrue.end()) {
    value = true;
    return true;
  }
  if (std::find(kFalse.begin(), kFalse.end(), s) != kFalse.end()) {
    value = false;
    return true;
  }
  return false;
}

namespace {

/// Builds the tree from yaml-cpp's events, so that places, duplicate keys, depth and size are
/// checked while reading and nothing is held twice.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(const std::string& file, const CheckedYaml& checked)
      : file_(file), checked_(checked) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    finish(make(Node::Kind::null, mark), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto it = anchors_.find(anchor);
    if (it == anchors_.end()) fail(mark, "an alias refers to a value that it is itself part of");
    Node copy = it->second;
    count(size_of(copy), mark);
    finish(std::move(copy), 0);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    // yaml-cpp gives "?" to plain scalars and "!" to quoted ones.
    check_tag(mark, tag);
    Node node = make(Node::Kind::scalar, mark);
    node.plain = tag != "!" && !tag.ends_with(":str");
    if (node.plain && is_yaml_null(value)) {
      node.kind = Node::Kind::null;
    } else {
      const auto known = checked_.scalars.find({mark.line, mark.column});
      node.text = known == checked_.scalars.end() ? value : known->second;
    }
    finish(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open(make(Node::Kind::sequence, mark), anchor, mark);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open(make(Node::Kind::map, mark), anchor, mark);
  }
  void OnMapEnd() override { close(); }

  Node take() { return std::move(root_); }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;  ///< of a map: a key was read, its value is awaited
    Entry pending;
    std::set<std::string> keys;  ///< those of `node`: a search in its list would be quadratic
    std::vector<Entry> merged;   ///< from `<<`, weaker than the map's own keys
  };

  [[noreturn]] void fail(const YAML::Mark& mark, std::string message) const {
    throw Error(ErrorCode::config, std::move(message))
        .at({file_, mark.line + 1, mark.column + 1, ""});
  }
  static Node make(Node::Kind kind, const YAML::Mark& mark) {
    Node node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }
  static std::size_t size_of(const Node& node) {
    std::size_t n = 1;
    for (const Node& item : node.items) n += size_of(item);
    for (const Entry& e : node.entries) n += size_of(e.value);
    return n;
  }
  void count(std::size_t nodes, const YAML::Mark& mark) {
    nodes_ += nodes;
    if (nodes_ > kMaxNodes)
      fail(mark, fmt::format("more than {} values, aliases included", kMaxNodes));
  }
  void check_tag(const YAML::Mark& mark, const std::string& tag) const {
    static constexpr std::string_view kCore = "tag:yaml.org,2002:";
    if (tag.empty() || tag == "?" || tag == "!") return;
    if (tag.starts_with(kCore)) {
      const std::string name = tag.substr(kCore.size());
      for (const char* known : {"str", "int", "float", "bool", "null", "seq", "map"})
        if (name == known) return;
    }
    fail(mark, fmt::format("the tag '{}' is not allowed; only plain YAML values are", tag));
  }
  void open(Node node, YAML::anchor_t anchor, const YAML::Mark& mark) {
    count(1, mark);
    if (stack_.size() >= kMaxDepth)
      fail(mark, fmt::format("values are nested deeper than {} levels", kMaxDepth));
    stack_.push_back({std::move(node), anchor, false, {}, {}, {}});
  }
  void close() {
    Open top = std::move(stack_.back());
    stack_.pop_back();
    for (Entry& e : top.merged)
      if (top.keys.insert(e.key).second) top.node.entries.push_back(std::move(e));
    finish(std::move(top.node), top.anchor);
  }
  void finish(Node node, YAML::anchor_t anchor) {
    const YAML::Mark mark = mark_of(node);
    if (node.kind == Node::Kind::scalar || node.kind == Node::Kind::null) count(1, mark);
    if (anchor != 0) anchors_[anchor] = node;
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& top = stack_.back();
    if (top.node.kind == Node::Kind::sequence) {
      top.node.items.push_back(std::move(node));
    } else if (!top.has_key) {
      take_key(top, std::move(node));
    } else {
      top.has_key = false;
      if (top.pending.key == "<<") {
        merge(top, std::move(node));
      } else {
        top.pending.value = std::move(node);
        top.node.entries.push_back(std::move(top.pending));
        top.pending = {};
      }
    }
  }
  void take_key(Open& top, Node node) {
    const YAML::Mark mark = mark_of(node);
    if (node.kind == Node::Kind::sequence || node.kind == Node::Kind::map)
      fail(mark, "a key must be a plain word, not a list or a map");
    const std::string key = node.kind == Node::Kind::null ? "null" : node.text;
    if (key != "<<" && !top.keys.insert(key).second)
      throw Error(ErrorCode::config,
                  fmt::format("given twice, first in line {}", top.node.find(key)->line))
          .at({file_, node.line, node.column, key})
          .hint("keep one of the two; PyYAML would silently keep the last");
    top.has_key = true;
    top.pending = {key, node.line, node.column, {}};
  }
  void merge(Open& top, Node node) {
    const YAML::Mark mark = mark_of(node);
    if (node.kind == Node::Kind::map) {
      for (Entry& e : node.entries) top.merged.push_back(std::move(e));
    } else if (node.kind == Node::Kind::sequence) {
      for (Node& item : node.items) merge(top, std::move(item));
    } else {
      fail(mark, "the merge key '<<' takes a map");
    }
  }
  static YAML::Mark mark_of(const Node& node) {
    YAML::Mark mark;
    mark.line = node.line - 1;
    mark.column = node.column - 1;
    return mark;
  }

  std::string file_;
  const CheckedYaml& checked_;
  Node root_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, Node> anchors_;
  std::size_t nodes_ = 0;
};

bool is_yaml_name(const std::filesystem::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

}  // namespace

Node parse_yaml(const std::string& text, const std::string& file) {
  if (text.find('\0') != std::string::npos)
    throw Error(ErrorCode::config, "is not a text file: it holds a zero byte").at({file, 0, 0, ""});
  const CheckedYaml checked = check_yaml(text, file);
  std::istringstream stream(checked.text);
  TreeBuilder builder(file, checked);
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return {};
    Node root = builder.take();
    TreeBuilder second(file, checked);
    if (parser.HandleNextDocument(second)) {
      const Node extra = second.take();
      throw Error(ErrorCode::config, "holds more than one YAML document")
          .at({file, extra.line, extra.column, ""})
          .hint("keep one configuration a file");
    }
    return root;
  } catch (const YAML::Exception& e) {
    throw Error(ErrorCode::config, fmt::format("not valid YAML: {}", e.msg))
        .at({file, e.mark.line + 1, e.mark.column + 1, ""})
        .hint("indent with spaces, put a space behind ':', quote text that holds ': ' or ' #'");
  }
}

std::string read_yaml_file(std::string& path) {
  // A program that makes the configuration may need a moment to open the pipe.
  constexpr double kPipePatience_s = 2;
  namespace fs = std::filesystem;
  std::error_code ec;
  if (path.starts_with("http://") || path.starts_with("https://"))
    throw Error(ErrorCode::config,
                "a configuration is read from a local file, not from the network")
        .at({path, 0, 0, ""})
        .hint("download it first");
  if (fs::is_directory(path, ec)) {
    std::vector<std::string> found;
    for (const auto& e : fs::directory_iterator(path, ec))
      if (is_yaml_name(e.path())) found.push_back(e.path().string());
    if (found.size() != 1)
      throw Error(ErrorCode::config,
                  fmt::format("is a directory with {} YAML files; name one file", found.size()))
          .at({path, 0, 0, ""});
    path = found.front();
  }
  if (!is_there(path))
    throw Error(ErrorCode::config, "no such file")
        .at({path, 0, 0, ""})
        .hint("axolotl-hpc init writes a configuration to start from");
  const std::uintmax_t bytes = fs::file_size(path, ec);
  if (!ec && bytes > kMaxFileBytes)
    throw Error(ErrorCode::config, fmt::format("is {} bytes long; a configuration has at most {}",
                                               bytes, kMaxFileBytes))
        .at({path, 0, 0, ""});
  std::string text = read_input_or_pipe(path, kMaxFileBytes, kPipePatience_s);
  require_utf8(text, path, ErrorCode::config);
  return text;
}

}  // namespace axl::config
