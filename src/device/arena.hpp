#pragma once
#include <cstddef>
#include <cstdint>

namespace axl::device {

/// A stack of blocks in one allocation. Everything that a step needs lives in one arena whose peak
/// is known before step 0: the same allocate() calls are first made on a planning arena, which owns
/// no memory and only counts.
class Arena {
 public:
  /// Counts; the pointers that allocate() returns must not be read or written.
  static Arena planning() { return Arena(); }
  /// Reserves `bytes` of zeroed pages; Error{device} when the system refuses, with the size.
  explicit Arena(std::int64_t bytes);
  ~Arena();
  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&&) = delete;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  /// `bytes` at a multiple of 64; Error{internal} when the plan was wrong.
  void* allocate(std::int64_t bytes);
  std::int64_t mark() const { return used_; }
  /// Frees everything that was allocated after `mark`.
  void release(std::int64_t mark) { used_ = mark; }
  std::int64_t peak() const { return peak_; }
  std::int64_t capacity() const { return capacity_; }

 private:
  Arena() = default;
  std::byte* base_ = nullptr;
  std::int64_t capacity_ = -1;  ///< -1: planning
  std::int64_t used_ = 0, peak_ = 0;
};

/// Releases what was allocated in its scope.
class ArenaScope {
 public:
  explicit ArenaScope(Arena& arena) : arena_(arena), mark_(arena.mark()) {}
  ~ArenaScope() { arena_.release(mark_); }
  ArenaScope(const ArenaScope&) = delete;
  ArenaScope& operator=(const ArenaScope&) = delete;

 private:
  Arena& arena_;
  std::int64_t mark_;
};

/// Owning, zeroed, 64-byte aligned host memory for what lives as long as the run.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::int64_t bytes);
  ~Buffer();
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  void* data() const { return data_; }
  std::int64_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  std::int64_t bytes_ = 0;
};

}  // namespace axl::device
