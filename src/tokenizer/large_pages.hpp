#pragma once
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <vector>

namespace axl::tokenizer {

/// Memory on pages of 2 MiB where the system has them. For tables of megabytes that are read at
/// random: on pages of 4 KiB nearly every look-up would also miss the TLB.
template <class T>
struct LargePages {
  using value_type = T;
  static constexpr std::size_t kPage = std::size_t{2} << 20;

  LargePages() = default;
  template <class U>
  explicit LargePages(const LargePages<U>&) {}

  T* allocate(std::size_t n) {
    const bool large = n * sizeof(T) >= kPage / 2;
    const std::size_t align = large ? kPage : std::max(std::size_t{64}, alignof(T));
    const std::size_t bytes = (n * sizeof(T) + align - 1) / align * align;
    void* p = std::aligned_alloc(align, bytes);
    if (p == nullptr) throw std::bad_alloc();
    if (large) madvise(p, bytes, MADV_HUGEPAGE);  // a wish: it works without
    return static_cast<T*>(p);
  }
  void deallocate(T* p, std::size_t) { std::free(p); }
  bool operator==(const LargePages&) const = default;
};

template <class T>
using LargeTable = std::vector<T, LargePages<T>>;

}  // namespace axl::tokenizer
