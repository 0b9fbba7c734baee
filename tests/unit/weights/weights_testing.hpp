#pragma once
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "support/paths.hpp"
#include "support/temporary_folder.hpp"
#include "weights/weight_file.hpp"

namespace axl::weights::testing {

/// A test with a folder of its own.
class Scratch : public ::testing::Test {
 protected:
  std::string path(const std::string& name) const { return scratch_.path(name); }
  std::string write(const std::string& name, const std::string& bytes) const {
    return scratch_.write(name, bytes);
  }
  axl::test::TemporaryFolder scratch_;
  const std::filesystem::path folder_ = scratch_.path();
};

inline std::string read_all(const std::string& path) { return axl::test::read_bytes(path); }

inline std::string fixture(const std::string& name) {
  return test::source_dir() + "/tests/fixtures/weights/" + name;
}

template <class T>
std::string bytes_of_value(T value) {
  std::string out(sizeof(T), '\0');
  std::memcpy(out.data(), &value, sizeof(T));
  return out;
}

inline std::vector<float> floats(const TensorEntry& t) {
  std::vector<float> out(static_cast<std::size_t>(t.elements()));
  to_float(t, 0, t.elements(), out.data());
  return out;
}

/// Runs `body`, which must throw an Error of one of the codes that blame the file; returns its
/// text.
template <class Body>
std::string refusal(Body&& body) {
  try {
    body();
  } catch (const Error& e) {
    EXPECT_TRUE(e.code() == ErrorCode::input || e.code() == ErrorCode::unsupported) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "accepted";
  return {};
}

}  // namespace axl::weights::testing
