#include "tokenizer/scratch_pool.hpp"

namespace axl::tokenizer {
namespace {

std::size_t thread_number() {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t mine = next.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

}  // namespace

std::unique_ptr<Scratch> ScratchPool::take() {
  const std::size_t mine = thread_number();
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    std::atomic<Scratch*>& slot = slots_[(mine + i) % slots_.size()].scratch;
    if (slot.load(std::memory_order_relaxed) == nullptr) continue;
    if (Scratch* s = slot.exchange(nullptr, std::memory_order_acquire); s != nullptr)
      return std::unique_ptr<Scratch>(s);
  }
  {
    const std::lock_guard lock(mutex_);
    if (!others_.empty()) {
      std::unique_ptr<Scratch> s = std::move(others_.back());
      others_.pop_back();
      return s;
    }
  }
  return std::make_unique<Scratch>();
}

void ScratchPool::give_back(std::unique_ptr<Scratch> scratch) {
  std::atomic<Scratch*>& slot = slots_[thread_number() % slots_.size()].scratch;
  Scratch* none = nullptr;
  if (slot.compare_exchange_strong(none, scratch.get(), std::memory_order_release,
                                   std::memory_order_relaxed)) {
    static_cast<void>(scratch.release());  // the slot has it
    return;
  }
  const std::lock_guard lock(mutex_);
  others_.push_back(std::move(scratch));
}

void ScratchPool::clear() {
  for (Slot& slot : slots_) delete slot.scratch.exchange(nullptr, std::memory_order_acquire);
  const std::lock_guard lock(mutex_);
  others_.clear();
}

}  // namespace axl::tokenizer
