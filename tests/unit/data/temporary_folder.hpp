#pragma once
#include "support/temporary_folder.hpp"

namespace axl::data::testing {

using test::read_bytes;
using test::TemporaryFolder;

}  // namespace axl::data::testing
