// Where the source tree lies. One object file knows it, so that a compiler cache can serve every
// other file of the tests in any clone.
#pragma once

#include <string>

namespace axl::test {

/// Absolute path of the project's root, without a slash at its end.
std::string source_dir();

/// Folder of the oracle cases: $AXL_ORACLES if set, else `../shared/oracles` beside the project.
std::string oracle_root();

}  // namespace axl::test
