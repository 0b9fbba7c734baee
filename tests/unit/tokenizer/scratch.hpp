#pragma once
#include <filesystem>
#include <fstream>
#include <string>

#include "core/json.hpp"
#include "support/paths.hpp"

namespace axl::tokenizer::test {

/// A folder of its own that vanishes with the object.
class Scratch {
 public:
  Scratch() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "axl-tokenizer-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }
  std::string folder() const { return folder_.string(); }

 private:
  std::filesystem::path folder_;
};

inline nlohmann::ordered_json fixture(const std::string& name) {
  std::ifstream in(std::filesystem::path(axl::test::source_dir()) / "tests/fixtures/tokenizer" /
                   name);
  return axl::parse_json<nlohmann::ordered_json>(in);
}

}  // namespace axl::tokenizer::test
