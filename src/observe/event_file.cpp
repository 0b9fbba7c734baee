#include "observe/event_file.hpp"

#include <array>
#include <bit>

namespace axl::observe {
namespace {

constexpr std::array<std::uint32_t, 256> crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t r = i;
    for (int bit = 0; bit < 8; ++bit) r = (r >> 1) ^ ((r & 1) != 0 ? 0x82F63B78U : 0U);
    table[i] = r;
  }
  return table;
}

template <class Unsigned>
std::string little_endian(Unsigned value) {
  std::string out;
  for (std::size_t i = 0; i < sizeof(Unsigned); ++i)
    out += static_cast<char>(static_cast<unsigned char>((value >> (8 * i)) & 0xFF));
  return out;
}

/// A CRC of data that itself holds CRCs is weak, so the format stores it rotated and shifted.
std::uint32_t masked_crc(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xA282EAD8U;
}

/// Writer of protocol-buffer fields (wire types 0, 1, 2 and 5).
class Message {
 public:
  Message& integer(std::uint32_t field, std::int64_t value) {
    tag(field, 0);
    varint(static_cast<std::uint64_t>(value));
    return *this;
  }
  Message& float64(std::uint32_t field, double value) {
    tag(field, 1);
    bytes_ += little_endian(std::bit_cast<std::uint64_t>(value));
    return *this;
  }
  Message& float32(std::uint32_t field, float value) {
    tag(field, 5);
    bytes_ += little_endian(std::bit_cast<std::uint32_t>(value));
    return *this;
  }
  Message& bytes(std::uint32_t field, std::string_view value) {
    tag(field, 2);
    varint(value.size());
    bytes_ += value;
    return *this;
  }
  Message& message(std::uint32_t field, const Message& value) { return bytes(field, value.bytes_); }
  const std::string& encoded() const { return bytes_; }

 private:
  void tag(std::uint32_t field, std::uint32_t wire_type) { varint((field << 3) | wire_type); }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      bytes_ += static_cast<char>(static_cast<unsigned char>((value & 0x7F) | 0x80));
    bytes_ += static_cast<char>(static_cast<unsigned char>(value));
  }
  std::string bytes_;
};

// Field numbers of event.proto, summary.proto, tensor.proto and types.proto.
namespace event {
constexpr std::uint32_t wall_time = 1, step = 2, file_version = 3, summary = 5, session_log = 7;
}
namespace value {
constexpr std::uint32_t tag = 1, simple_value = 2, tensor = 8, metadata = 9;
}
constexpr std::uint32_t kSummaryValue = 1, kSessionStatus = 1;
constexpr std::uint32_t kTensorType = 1, kTensorShape = 2, kTensorStrings = 8;
constexpr std::uint32_t kPluginData = 1, kPluginName = 1;
constexpr std::int64_t kSessionStart = 1, kTypeString = 7;

Message event_at(double wall_time, std::int64_t step) {
  Message m;
  m.float64(event::wall_time, wall_time).integer(event::step, step);
  return m;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr auto kTable = crc_table();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : bytes)
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
  return ~crc;
}

std::string tf_record(std::string_view bytes) {
  const std::string length = little_endian(std::uint64_t{bytes.size()});
  std::string out = length + little_endian(masked_crc(length));
  out += bytes;
  return out + little_endian(masked_crc(bytes));
}

std::string file_version_event(double wall_time) {
  return event_at(wall_time, 0).bytes(event::file_version, "brain.Event:2").encoded();
}

std::string restart_event(double wall_time, std::int64_t step) {
  return event_at(wall_time, step)
      .message(event::session_log, Message().integer(kSessionStatus, kSessionStart))
      .encoded();
}

std::string scalars_event(double wall_time, std::int64_t step,
                          const std::vector<std::pair<std::string, double>>& scalars) {
  Message summary;
  for (const auto& [tag, x] : scalars)
    summary.message(
        kSummaryValue,
        Message().bytes(value::tag, tag).float32(value::simple_value, static_cast<float>(x)));
  return event_at(wall_time, step).message(event::summary, summary).encoded();
}

std::string text_event(double wall_time, const std::string& tag, const std::string& markdown) {
  Message tensor;
  tensor.integer(kTensorType, kTypeString)
      .message(kTensorShape, Message())
      .bytes(kTensorStrings, markdown);
  Message entry;
  entry.bytes(value::tag, tag)
      .message(value::tensor, tensor)
      .message(value::metadata,
               Message().message(kPluginData, Message().bytes(kPluginName, "text")));
  return event_at(wall_time, 0)
      .message(event::summary, Message().message(kSummaryValue, entry))
      .encoded();
}

}  // namespace axl::observe
