#pragma once
#include "axl/kernels/table.hpp"

namespace axl::kernels {

/// Products with quantised matrices, element by element.
void add_quantised_reference(KernelTable& table);

}  // namespace axl::kernels
