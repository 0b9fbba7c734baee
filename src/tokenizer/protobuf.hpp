#pragma once
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/error.hpp"

namespace axl::tokenizer {

/// Walks over the fields of one protobuf message (protobuf.dev/programming-guides/encoding). Fields
/// that nobody asks for are skipped. Error{input} where the bytes end too early or the type of a
/// field is another one than asked for.
class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view bytes) : rest_(bytes) {}

  /// Goes to the next field; false at the end.
  bool next() {
    if (rest_.empty()) return false;
    const std::uint64_t key = varint();
    field_ = key >> 3;
    type_ = static_cast<int>(key & 7U);
    switch (type_) {
      case 0:
        integer_ = varint();
        break;
      case 1:
        value_ = take(8);
        break;
      case 2:
        value_ = take(varint());
        break;
      case 5:
        value_ = take(4);
        break;
      default:
        damaged("has a field of an unknown type");
    }
    return true;
  }
  std::uint64_t field() const { return field_; }

  std::uint64_t integer() const {
    if (type_ != 0) damaged("has something else where an integer belongs");
    return integer_;
  }
  std::string_view bytes() const {
    if (type_ != 2) damaged("has something else where text belongs");
    return value_;
  }
  /// float or double.
  template <class T>
  T number() const {
    if ((type_ != 1 && type_ != 5) || value_.size() != sizeof(T))
      damaged("has something else where a number belongs");
    T value;
    std::memcpy(&value, value_.data(), sizeof value);
    return value;
  }

 private:
  [[noreturn]] static void damaged(const char* what) {
    throw Error(ErrorCode::input, std::string("the protobuf message is damaged: it ") + what);
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= static_cast<std::uint64_t>(byte & 0x7FU) << shift;
      if (byte < 0x80) return value;
    }
    damaged("has an integer of more than 64 bits");
  }
  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) damaged("ends in the middle of a field");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  std::string_view value_;
  std::uint64_t field_ = 0;
  std::uint64_t integer_ = 0;
  int type_ = 0;
};

}  // namespace axl::tokenizer
