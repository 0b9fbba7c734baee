// Collectives, agreement on errors, and shared memory of a node, on real ranks.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "parallel/comm.hpp"

namespace axl::test {
namespace {

using parallel::Comm;

class Collectives : public ::testing::Test {
 protected:
  Comm comm = Comm::world();
  int rank = comm.rank(), size = comm.size();
  ~Collectives() override { comm.close(); }
};

TEST_F(Collectives, SumsDoublesAndIntegers) {
  double d[2] = {1.0 + rank, 0.5};
  comm.sum(d, 2);
  EXPECT_EQ(d[0], size + size * (size - 1) / 2.0);
  EXPECT_EQ(d[1], 0.5 * size);
  std::int64_t n[1] = {(std::int64_t{1} << 40) + rank};
  comm.sum(n, 1);
  EXPECT_EQ(n[0], (std::int64_t{1} << 40) * size + size * (size - 1) / 2);
}

TEST_F(Collectives, MaximaAndGather) {
  EXPECT_EQ(comm.max(std::int64_t{-5} - rank), -5);
  EXPECT_EQ(comm.max(0.25 * rank), 0.25 * (size - 1));
  const auto all = comm.gather(std::int64_t{10} * rank);
  ASSERT_EQ(std::ssize(all), size);
  for (int r = 0; r < size; ++r) EXPECT_EQ(all[static_cast<std::size_t>(r)], 10 * r);
}

TEST_F(Collectives, BroadcastFromEveryRank) {
  for (int root = 0; root < size; ++root) {
    std::int64_t numbers[3] = {rank, rank + 1, rank + 2};
    comm.broadcast(numbers, sizeof numbers, root);
    EXPECT_EQ(numbers[2], root + 2);
    const std::string mine =
        std::string(static_cast<std::size_t>(100 * rank), 'x') + std::to_string(rank);
    const std::string text = comm.broadcast(mine, root);
    EXPECT_EQ(text, std::string(static_cast<std::size_t>(100 * root), 'x') + std::to_string(root));
  }
  EXPECT_EQ(comm.broadcast(std::string(), 0), "");
}

TEST_F(Collectives, SumsWithoutWaiting) {
  std::vector<float> a(1000, static_cast<float>(rank + 1)), b(7, 2.0f);
  parallel::Request first = comm.start_sum(a.data(), 1000), second = comm.start_sum(b.data(), 7);
  parallel::Request nothing = comm.start_sum(nullptr, 0);
  while (!second.test()) {
  }
  first.wait();
  nothing.wait();
  EXPECT_EQ(a[999], static_cast<float>(size * (size + 1) / 2));
  EXPECT_EQ(b[0], 2.0f * static_cast<float>(size));
}

TEST_F(Collectives, ACommOfOneNeedsNoMpi) {
  const Comm one;
  double d[1] = {3};
  one.sum(d, 1);
  EXPECT_EQ(d[0], 3);
  EXPECT_EQ(one.gather(7), std::vector<std::int64_t>{7});
  EXPECT_EQ(one.broadcast(std::string("text"), 0), "text");
  EXPECT_EQ(one.handle(), MPI_COMM_NULL);
  one.barrier();
}

TEST_F(Collectives, TheNodeHoldsUsAll) {
  Comm node = comm.node();
  EXPECT_EQ(node.size(), size) << "tests run on one machine";
  EXPECT_EQ(node.rank(), rank);
  node.close();
}

TEST_F(Collectives, AllRanksThrowTheErrorOfTheOneThatFailed) {
  for (int failing = 0; failing < size; ++failing) {
    std::string text;
    int at = -2;
    try {
      parallel::collectively(comm, [&] {
        if (rank == failing)
          throw Error(ErrorCode::input, "no such file")
              .at({.file = "a.yaml", .line = 3, .column = 5, .key = "base_model"})
              .hint("look again");
      });
      ADD_FAILURE() << "rank " << rank << " did not throw";
    } catch (const Error& e) {
      text = e.what();
      at = e.failing_rank();
      EXPECT_EQ(e.code(), ErrorCode::input);
      EXPECT_EQ(e.message(), "no such file");
      EXPECT_EQ(e.hint(), "look again");
      EXPECT_EQ(e.where().line, 3);
    }
    EXPECT_EQ(text, comm.broadcast(text, failing)) << "the same text everywhere";
    if (failing > 0) {
      EXPECT_EQ(at, failing);
      EXPECT_NE(text.find("rank: " + std::to_string(failing)), std::string::npos) << text;
    }
  }
}

TEST_F(Collectives, TheLowestFailingRankSpeaks) {
  try {
    parallel::collectively(comm, [&] {
      if (rank >= size / 2) throw Error(ErrorCode::io, "rank " + std::to_string(rank) + " failed");
    });
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.message(), "rank " + std::to_string(size / 2) + " failed");
    EXPECT_EQ(e.code(), ErrorCode::io);
  }
}

TEST_F(Collectives, OtherExceptionsBecomeInternalErrors) {
  try {
    parallel::collectively(comm, [&] {
      if (rank == size - 1) throw std::runtime_error("out of paper");
    });
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::internal);
    EXPECT_EQ(e.message(), "out of paper");
  }
}

TEST_F(Collectives, SuccessAndAFailureInEveryPhase) {
  constexpr int kPhases = 4;
  for (int broken = 0; broken <= kPhases; ++broken) {
    int done = 0;
    const auto run = [&] {
      for (int phase = 0; phase < kPhases; ++phase) {
        parallel::collectively(comm, [&] {
          if (phase == broken && rank == broken % size)
            throw Error(ErrorCode::data, "phase " + std::to_string(phase));
        });
        ++done;
      }
    };
    if (broken == kPhases) {
      EXPECT_NO_THROW(run());
    } else {
      EXPECT_THROW(run(), Error);
    }
    EXPECT_EQ(done, broken) << "every rank stops at the same phase";
  }
}

TEST_F(Collectives, ANodesMemoryIsSharedAndZeroed) {
  Comm node = comm.node();
  {
    parallel::NodeShared shared(node);
    constexpr std::int64_t n = 100000;
    auto* numbers = static_cast<std::int32_t*>(shared.allocate(n * 4));
    auto* more = static_cast<std::int32_t*>(shared.allocate(1));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(numbers) % 64, 0u);
    for (std::int64_t i = 0; i < n; i += 999) EXPECT_EQ(numbers[i], 0);
    shared.fence();
    if (shared.writer()) {
      std::iota(numbers, numbers + n, 5);
      more[0] = 77;
    }
    shared.fence();
    for (std::int64_t i = 0; i < n; i += 777) EXPECT_EQ(numbers[i], 5 + i);
    EXPECT_EQ(more[0], 77);
    shared.fence();
    if (rank == size - 1) numbers[0] = -1;
    shared.fence();
    EXPECT_EQ(numbers[0], -1) << "one block, not copies";
  }
  node.close();
}

TEST_F(Collectives, AnImpossibleBlockFailsOnEveryRank) {
  Comm node = comm.node();
  {
    parallel::NodeShared shared(node);
    try {
      shared.allocate(std::int64_t{1} << 60);
      ADD_FAILURE();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::device);
    }
  }
  node.close();
}

}  // namespace
}  // namespace axl::test
