#pragma once
#include <algorithm>
#include <cstring>
#include <vector>

#include "tokenizer/tokenizer.hpp"

namespace axl::tokenizer {

/// Appends ids to a vector in groups of four, of which the first few count: copying a fixed size is
/// one instruction. The vector has its right size again when the writer is gone.
class IdWriter {
 public:
  static constexpr std::size_t kGroup = 4;

  IdWriter(std::vector<TokenId>& out, std::size_t expected)
      : out_(out), start_(out.size()), size_(start_) {
    make_room(expected + kGroup);
  }
  ~IdWriter() { out_.resize(size_); }
  IdWriter(const IdWriter&) = delete;
  IdWriter& operator=(const IdWriter&) = delete;

  /// The first `count` ids of a group.
  void put_group(const TokenId* group, std::size_t count) {
    if (room_ - size_ < kGroup) [[unlikely]]
      make_room(kGroup);
    std::memcpy(ids_ + size_, group, kGroup * sizeof(TokenId));
    size_ += count;
  }
  void put(const TokenId* ids, std::size_t count) {
    if (room_ - size_ < count) make_room(count);
    std::copy_n(ids, count, ids_ + size_);  // of nothing, `ids` may be null
    size_ += count;
  }

 private:
  void make_room(std::size_t more) {
    out_.resize(size_ + std::max(more, (size_ - start_) / 2));
    ids_ = out_.data();
    room_ = out_.size();
  }

  std::vector<TokenId>& out_;
  TokenId* ids_ = nullptr;
  std::size_t start_;
  std::size_t size_;
  std::size_t room_ = 0;
};

}  // namespace axl::tokenizer
