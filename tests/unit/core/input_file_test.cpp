#include "core/input_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "support/refusal.hpp"
#include "support/temporary_folder.hpp"

namespace axl {
namespace {

using test::refusal;

struct InputFileTest : testing::Test {
  test::TemporaryFolder folder;
  std::string text = folder.write("text", "some bytes");
  std::string pipe = folder.path("pipe");
  void SetUp() override { ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0); }
};

TEST_F(InputFileTest, ReadsARegularFile) {
  EXPECT_EQ(read_input(text), "some bytes");
  EXPECT_EQ(InputFile(text).bytes(), 10u);
  EXPECT_EQ(read_input(folder.write("empty", "")), "");
  const std::string long_text(300000, 'x');
  EXPECT_EQ(read_input(folder.write("long", long_text)), long_text);
}

TEST_F(InputFileTest, HoldsTheLimit) {
  EXPECT_EQ(read_input(text, 10), "some bytes");
  EXPECT_EQ(refusal([&] { read_input(text, 9); }), text + ": is longer than 9 bytes");
}

TEST_F(InputFileTest, RefusesWhatIsNoRegularFileAtOnce) {
  EXPECT_EQ(refusal([&] { InputFile file(pipe); }), pipe + ": cannot be read: not a regular file");
  EXPECT_EQ(refusal([&] { read_input(folder.path()); }),
            folder.path() + ": cannot be read: it is a folder");
  EXPECT_EQ(refusal([] { read_input("/dev/zero"); }),
            "/dev/zero: cannot be read: not a regular file");
}

TEST_F(InputFileTest, SaysWhyThereIsNothingToOpen) {
  const std::string link = folder.path("link"), loop = folder.path("loop");
  std::filesystem::create_symlink("/nowhere/at/all", link);
  std::filesystem::create_symlink(loop, loop);
  EXPECT_EQ(refusal([&] { read_input(link, 1, ErrorCode::checkpoint); }, ErrorCode::checkpoint),
            link + ": cannot be read: the symbolic link leads nowhere");
  EXPECT_NE(refusal([&] { read_input(loop); }).find("symbolic links"), std::string::npos);
  EXPECT_NE(refusal([&] { read_input(folder.path("nothing")); }).find("No such file"),
            std::string::npos);
  EXPECT_TRUE(is_there(link));
  EXPECT_TRUE(is_there(loop));
  EXPECT_FALSE(is_there(folder.path("nothing")));
}

TEST_F(InputFileTest, TakesAPipeThatAProgramWritesInto) {
  EXPECT_EQ(read_input_or_pipe(text, 10, 0), "some bytes");
  // The writer comes late, says one half, and the other after a while.
  std::thread writer([&] {
    std::FILE* out = std::fopen(pipe.c_str(), "w");
    ASSERT_NE(out, nullptr);
    std::fputs("some ", out);
    std::fflush(out);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::fputs("bytes", out);
    std::fclose(out);
  });
  EXPECT_EQ(read_input_or_pipe(pipe, 10, 60), "some bytes");
  writer.join();
}

TEST_F(InputFileTest, DoesNotWaitForAWriterThatNeverComes) {
  const std::string expected = pipe + ": cannot be read: a pipe into which no program writes";
  EXPECT_EQ(refusal([&] { read_input_or_pipe(pipe, 10, 0); }), expected);
  EXPECT_EQ(refusal([&] { InputFile::or_pipe(pipe, 0.05); }), expected);
  EXPECT_EQ(refusal([&] { InputFile::or_pipe(folder.path(), 0); }),
            folder.path() + ": cannot be read: it is a folder");
}

TEST_F(InputFileTest, HoldsTheLimitOfAPipe) {
  EXPECT_EQ(refusal([] { read_input_or_pipe("/dev/zero", 70000, 0); }),
            "/dev/zero: is longer than 70000 bytes");
}

}  // namespace
}  // namespace axl
