#include <array>

#include "blocks/layouts.hpp"

namespace axl::kernels {

const BlockLayout& layout_of(BlockType type) {
  using namespace blocks;
  static const std::array kBlockLayouts{q8_0(),    q4_0(),   q4_1(),  q4_k(),    q6_k(),   q5_0(),
                                        q5_1(),    q2_k(),   q3_k(),  q5_k(),    iq4_nl(), iq4_xs(),
                                        iq2_xxs(), iq2_xs(), iq2_s(), iq3_xxs(), iq3_s(),  iq1_s(),
                                        iq1_m(),   tq1_0(),  tq2_0(), mxfp4(),   nvfp4()};
  return kBlockLayouts[static_cast<std::size_t>(type)];
}

}  // namespace axl::kernels
