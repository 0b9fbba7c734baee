#pragma once
#include <fstream>
#include <set>
#include <string>

#include "support/paths.hpp"

namespace axl::oracle {

/// Whether tests/oracle/must_run.txt lists the case: "unsupported" is then a failure. A line is a
/// kind and a name.
inline bool must_run(const std::string& kind, const std::string& name) {
  static const std::set<std::string> listed = [] {
    std::ifstream in(test::source_dir() + "/tests/oracle/must_run.txt");
    std::set<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.insert(line);
    return lines;
  }();
  return listed.empty() || listed.contains(kind + " " + name);
}

}  // namespace axl::oracle
