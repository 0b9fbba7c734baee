#pragma once
#include "axl/kernels/blocks.hpp"

namespace axl::kernels::blocks {

// One for every block format: 32 elements, 256 elements ("K"), values from a table ("IQ"), ternary
// ("TQ"), four-bit floating point.
BlockLayout q4_0();
BlockLayout q4_1();
BlockLayout q5_0();
BlockLayout q5_1();
BlockLayout q8_0();
BlockLayout q2_k();
BlockLayout q3_k();
BlockLayout q4_k();
BlockLayout q5_k();
BlockLayout q6_k();
BlockLayout iq4_nl();
BlockLayout iq4_xs();
BlockLayout iq2_xxs();
BlockLayout iq2_xs();
BlockLayout iq2_s();
BlockLayout iq3_xxs();
BlockLayout iq3_s();
BlockLayout iq1_s();
BlockLayout iq1_m();
BlockLayout tq1_0();
BlockLayout tq2_0();
BlockLayout mxfp4();
BlockLayout nvfp4();

}  // namespace axl::kernels::blocks
