// The arena: alignment, peaks, planning, refusal.
#include "device/arena.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "core/error.hpp"

namespace axl::device {
namespace {

TEST(Arena, AlignsEveryBlock) {
  Arena a(4096);
  for (const std::int64_t n : {1, 64, 65, 3, 0, 128}) {
    const auto at = reinterpret_cast<std::uintptr_t>(a.allocate(n));
    EXPECT_EQ(at % 64, 0u);
  }
  EXPECT_EQ(a.mark(), 64 + 64 + 128 + 64 + 0 + 128);
}

TEST(Arena, BlocksDoNotOverlapAndStartAtZero) {
  Arena a(4096);
  auto* first = static_cast<std::uint8_t*>(a.allocate(100));
  auto* second = static_cast<std::uint8_t*>(a.allocate(100));
  EXPECT_GE(second, first + 100);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(second[i], 0);
  std::memset(first, 1, 100);
  EXPECT_EQ(second[0], 0);
}

TEST(Arena, ScopesReleaseAndPeakStays) {
  Arena a(4096);
  a.allocate(64);
  {
    const ArenaScope outer(a);
    a.allocate(640);
    {
      const ArenaScope inner(a);
      a.allocate(1280);
    }
    EXPECT_EQ(a.mark(), 64 + 640);
  }
  EXPECT_EQ(a.mark(), 64);
  EXPECT_EQ(a.peak(), 64 + 640 + 1280);
}

TEST(Arena, RefusesWhatThePlanDidNotReserve) {
  Arena a(128);
  a.allocate(64);
  try {
    a.allocate(65);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::internal);
    EXPECT_EQ(e.message(), "arena: the plan reserved 128 bytes, the step needs 192");
  }
  EXPECT_THROW(a.allocate(-1), Error);
}

TEST(Arena, PlanningCountsWithoutMemory) {
  Arena plan = Arena::planning();
  EXPECT_NE(plan.allocate(std::int64_t{1} << 50), nullptr) << "views test for null";
  plan.release(0);
  plan.allocate(64);
  EXPECT_EQ(plan.peak(), std::int64_t{1} << 50);
  EXPECT_EQ(plan.mark(), 64);
}

TEST(Arena, PlanAndUseAgree) {
  const auto step = [](Arena& a) {
    a.allocate(1000);
    const ArenaScope scope(a);
    a.allocate(33);
    a.allocate(7777);
  };
  Arena plan = Arena::planning();
  step(plan);
  Arena real(plan.peak());
  EXPECT_NO_THROW(step(real));
  EXPECT_EQ(real.peak(), plan.peak());
}

TEST(Arena, OutOfMemoryNamesTheSizeAndTheWayOut) {
  try {
    Arena a(std::int64_t{1} << 60);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::device);
    EXPECT_EQ(e.message(), "out of memory: cannot reserve 1099511627776 MiB");
    EXPECT_NE(e.hint().find("micro_batch_size"), std::string::npos);
  }
}

TEST(Arena, MovesItsMemory) {
  Arena a(4096);
  auto* p = static_cast<int*>(a.allocate(64));
  *p = 7;
  const Arena b = std::move(a);
  EXPECT_EQ(*p, 7);
  EXPECT_EQ(b.mark(), 64);
}

TEST(Buffer, IsZeroedAlignedAndMovable) {
  Buffer b(10000);
  auto* p = static_cast<std::uint8_t*>(b.data());
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % 64, 0u);
  for (int i = 0; i < 10000; ++i) ASSERT_EQ(p[i], 0);
  p[3] = 9;
  Buffer c;
  EXPECT_EQ(c.data(), nullptr);
  c = std::move(b);
  EXPECT_EQ(static_cast<std::uint8_t*>(c.data())[3], 9);
  EXPECT_EQ(c.bytes(), 10000);
}

TEST(Buffer, OfNothingHasNoMemory) {
  const Buffer b(0);
  EXPECT_EQ(b.data(), nullptr);
}

}  // namespace
}  // namespace axl::device
