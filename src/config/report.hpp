#pragma once
#include <string>

#include "config/config.hpp"
#include "config/node.hpp"

namespace axl::config {

/// `datasets.3.roles` as the list of ignored keys names it: `datasets[].roles`.
std::string listed_name(const std::string& key);

/// Collects the findings about one file; knows the file's name.
class Report {
 public:
  Report(std::string file, bool strict, LoadResult& result)
      : file_(std::move(file)), strict_(strict), result_(result) {}

  UserLocation place(const std::string& key, int line, int column) const {
    if (line == 0) return {"command line", 0, 0, key};
    return {file_, line, column, key};
  }
  UserLocation place(const std::string& key, const Node& node) const {
    return place(key, node.line, node.column);
  }
  void error(const UserLocation& where, std::string message, std::string hint = "") {
    result_.errors.push_back({where, std::move(message), std::move(hint)});
  }
  void error(const std::string& key, const Node& node, std::string message, std::string hint = "") {
    error(place(key, node), std::move(message), std::move(hint));
  }
  /// Valid, but this version cannot train it; `hint` names the nearest way that it can.
  void unsupported(const UserLocation& where, std::string message, std::string hint = "") {
    result_.unsupported.push_back({where, std::move(message), std::move(hint)});
  }
  void unsupported(const std::string& key, const Node& node, std::string message,
                   std::string hint = "") {
    unsupported(place(key, node), std::move(message), std::move(hint));
  }
  void warning(const UserLocation& where, std::string message, std::string hint = "") {
    result_.warnings.push_back({where, std::move(message), std::move(hint)});
  }
  void notice(const UserLocation& where, std::string message) {
    result_.notices.push_back({where, std::move(message), ""});
  }
  /// A warning, with --strict an error.
  void unknown(const UserLocation& where, const std::string& near) {
    unread(where, near.empty() ? "" : "did you mean '" + near + "'?");
  }
  void unread(const UserLocation& where, std::string hint) {
    if (strict_) {
      error(where, "unknown key", std::move(hint));
    } else {
      warning(where, "unknown key, it has no effect", std::move(hint));
      result_.ignored.push_back(listed_name(where.key));
    }
  }
  /// Known, but not read in this place.
  void ignored(const UserLocation& where, std::string message, std::string hint = "") {
    warning(where, std::move(message), std::move(hint));
    result_.ignored.push_back(listed_name(where.key));
  }
  const std::string& file() const { return file_; }
  std::size_t error_count() const { return result_.errors.size(); }

 private:
  std::string file_;
  bool strict_;
  LoadResult& result_;
};

}  // namespace axl::config
