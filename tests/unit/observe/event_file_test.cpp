// TensorBoard's event files: check values of the CRC, and every record decoded again by the rules
// of the formats (TFRecord, protocol buffers).
#include "observe/event_file.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <map>

#include "observe_testing.hpp"

namespace axl::test {
namespace {

struct Field {
  std::uint64_t number = 0;  ///< varint, or the bits of a fixed value
  std::string bytes;
};
using Message = std::multimap<std::uint32_t, Field>;

std::uint64_t little_endian(const std::string& bytes, std::size_t at, std::size_t count) {
  std::uint64_t out = 0;
  for (std::size_t i = count; i-- > 0;)
    out = (out << 8) | static_cast<unsigned char>(bytes.at(at + i));
  return out;
}

std::uint64_t varint(const std::string& bytes, std::size_t& at) {
  std::uint64_t out = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.at(at++));
    out |= std::uint64_t{byte & 0x7FU} << shift;
    if ((byte & 0x80) == 0) return out;
  }
}

Message decode(const std::string& bytes) {
  Message out;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::uint64_t tag = varint(bytes, at);
    Field field;
    switch (tag & 7) {
      case 0:
        field.number = varint(bytes, at);
        break;
      case 1:
        field.number = little_endian(bytes, at, 8), at += 8;
        break;
      case 5:
        field.number = little_endian(bytes, at, 4), at += 4;
        break;
      case 2: {
        const std::uint64_t size = varint(bytes, at);
        field.bytes = bytes.substr(at, size);
        EXPECT_EQ(field.bytes.size(), size);
        at += size;
        break;
      }
      default:
        ADD_FAILURE() << "wire type " << (tag & 7);
        return out;
    }
    out.emplace(static_cast<std::uint32_t>(tag >> 3), field);
  }
  return out;
}

const Field& only(const Message& m, std::uint32_t field) {
  EXPECT_EQ(m.count(field), 1u) << "field " << field;
  return m.find(field)->second;
}

std::uint32_t unmasked(std::uint64_t masked) {
  return std::rotl(static_cast<std::uint32_t>(masked) - 0xA282EAD8U, 15);
}

std::vector<Message> read_records(const std::string& file) {
  std::vector<Message> out;
  for (std::size_t at = 0; at < file.size();) {
    const std::uint64_t length = little_endian(file, at, 8);
    EXPECT_EQ(unmasked(little_endian(file, at + 8, 4)), observe::crc32c(file.substr(at, 8)));
    const std::string bytes = file.substr(at + 12, length);
    EXPECT_EQ(unmasked(little_endian(file, at + 12 + length, 4)), observe::crc32c(bytes));
    out.push_back(decode(bytes));
    at += 16 + length;
  }
  return out;
}

/// tag -> value of the scalars in a summary.
std::map<std::string, float> scalars(const Message& event) {
  std::map<std::string, float> out;
  const Message summary = decode(only(event, 5).bytes);
  for (const auto& [field, value] : summary) {
    const Message v = decode(value.bytes);
    if (v.count(2) == 1)
      out[only(v, 1).bytes] = std::bit_cast<float>(static_cast<std::uint32_t>(only(v, 2).number));
  }
  return out;
}

// RFC 3720, appendix B.4, and the usual check string of CRC catalogues.
TEST(EventFile, Crc32cGivesTheCheckValues) {
  EXPECT_EQ(observe::crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(observe::crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(observe::crc32c("123456789"), 0xE3069283U);
  EXPECT_EQ(observe::crc32c(""), 0U);
}

TEST(EventFile, ScalarsKeepTagStepAndValue) {
  const Message event = decode(observe::scalars_event(1700000000.25, std::int64_t{1} << 40,
                                                      {{"train/loss", 1.5}, {"train/lr", -2e-4}}));
  EXPECT_EQ(std::bit_cast<double>(only(event, 1).number), 1700000000.25);
  EXPECT_EQ(only(event, 2).number, std::uint64_t{1} << 40);
  const auto values = scalars(event);
  EXPECT_EQ(values.at("train/loss"), 1.5F);
  EXPECT_EQ(values.at("train/lr"), -2e-4F);
}

TEST(EventFile, TextLongerThan127BytesHasATwoByteLength) {
  const std::string text(300, 'x');
  const Message event = decode(observe::text_event(1, "config", text));
  const Message value = decode(only(decode(only(event, 5).bytes), 1).bytes);
  EXPECT_EQ(only(value, 1).bytes, "config");
  EXPECT_EQ(only(decode(only(value, 8).bytes), 8).bytes, text);
  EXPECT_EQ(only(decode(only(decode(only(value, 9).bytes), 1).bytes), 1).bytes, "text");
}

TEST(EventFile, ARunIsThereRecordByRecord) {
  const TemporaryFolder folder;
  play(*observe::make_sinks({.metrics = false, .progress = false, .report = false}), folder.path(),
       4, 8);
  std::vector<std::string> files;
  for (const auto& e : std::filesystem::directory_iterator(folder.path() + "/tensorboard"))
    files.push_back(e.path().string());
  ASSERT_EQ(files.size(), 1u);
  EXPECT_NE(files[0].find("/events.out.tfevents."), std::string::npos);
  const auto records = read_records(read_text(files[0]));
  ASSERT_EQ(records.size(), 6u);  // version, restart, config, steps 6 and 8, evaluation
  EXPECT_EQ(only(records[0], 3).bytes, "brain.Event:2");
  EXPECT_EQ(only(records[1], 2).number, 5u);  // void from here on
  EXPECT_EQ(only(decode(only(records[1], 7).bytes), 1).number, 1u);
  EXPECT_EQ(only(records[3], 2).number, 6u);
  EXPECT_EQ(scalars(records[3]).at("train/loss"), 0.5F);
  EXPECT_EQ(scalars(records[4]).at("train/label_tokens"), 108.0F);
  EXPECT_EQ(scalars(records[5]).at("eval/loss"), 0.75F);
}

}  // namespace
}  // namespace axl::test
