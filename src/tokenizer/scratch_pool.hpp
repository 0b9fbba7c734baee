#pragma once
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tokenizer/added_tokens.hpp"
#include "tokenizer/models/model.hpp"
#include "tokenizer/pre_tokenizer.hpp"
#include "tokenizer/word_cache.hpp"

namespace axl::tokenizer {

/// What one encode call needs. Kept between calls, so that the word cache stays warm.
struct Scratch {
  WordCache cache;
  Workspace work;
  Pieces pieces;
  std::vector<Segment> segments;
  std::vector<Segment> inner;
  std::string normalized;
  std::vector<TokenId> piece_ids;
};

/// Lends a Scratch to each concurrent call; there are about as many as there were calls at once. A
/// thread gets back what it had before, without a lock: threads do not slow each other down.
class ScratchPool {
 public:
  ~ScratchPool() { clear(); }
  std::unique_ptr<Scratch> take();
  void give_back(std::unique_ptr<Scratch> scratch);
  void clear();  ///< while no call is running

 private:
  struct alignas(64) Slot {
    std::atomic<Scratch*> scratch{nullptr};
  };
  std::array<Slot, 128> slots_;  // a thread's own is the one of its number
  std::mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> others_;  // of threads whose slot was taken
};

}  // namespace axl::tokenizer
