#include "core/durable_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/input_file.hpp"
#include "support/refusal.hpp"
#include "support/temporary_folder.hpp"

namespace axl {
namespace {

TEST(CopyDurably, ReplacesAFileInFullOrNotAtAll) {
  const test::TemporaryFolder folder;
  const std::string from = folder.write("from", "new"), to = folder.write("to", "old");
  copy_durably(from, to);
  EXPECT_EQ(read_input(to), "new");
  const std::string refused =
      test::refusal([&] { copy_durably(folder.path("nothing"), to); }, ErrorCode::io);
  EXPECT_NE(refused.find("No such file"), std::string::npos) << refused;
  EXPECT_EQ(read_input(to), "new");
  EXPECT_FALSE(std::filesystem::exists(to + ".tmp"));
}

}  // namespace
}  // namespace axl
