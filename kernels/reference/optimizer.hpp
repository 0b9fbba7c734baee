#pragma once
#include "axl/kernels/table.hpp"

namespace axl::kernels::reference {

void add_optimizer(KernelTable& t);

}  // namespace axl::kernels::reference
