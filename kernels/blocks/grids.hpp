#pragma once
#include <cstdint>

namespace axl::kernels::blocks {

extern const std::uint16_t kIq2XxsGrid[256], kIq2XsGrid[512], kIq2SGrid[1024];  // 8 of 2 bits
extern const std::uint16_t kIq3XxsGrid[256], kIq3SGrid[512];                    // 4 of 3 bits
extern const std::uint16_t kIq1SGrid[2048];                                     // 8 of 2 bits

}  // namespace axl::kernels::blocks
