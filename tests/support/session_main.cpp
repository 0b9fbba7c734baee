#include <gtest/gtest.h>

#include <cstdlib>

#include "support/session.hpp"

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const char* threads = std::getenv("OMP_NUM_THREADS");
  axl::device::KokkosSession session(threads != nullptr ? std::atoi(threads) : 2);
  axl::test::use_session(&session);
  return RUN_ALL_TESTS();
}
