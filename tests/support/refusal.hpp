#pragma once
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "core/error.hpp"

namespace axl::test {

/// What the error says that `body` throws, which has to be one of `code`; "" when there is none.
inline std::string refusal(const std::function<void()>& body, ErrorCode code = ErrorCode::input) {
  try {
    body();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code);
    return e.what();
  }
  return "";
}

}  // namespace axl::test
