#pragma once
#include <filesystem>
#include <string_view>

#include "core/error.hpp"

namespace axl {

/// So many first bytes tell.
constexpr std::size_t kPlaceholderHead = 4096;

/// Error{`code`} when a file begins like what stands in the place of another one: a Git LFS
/// pointer (or several), a page or message of a hub that a download wrote in place of the file.
/// `bytes` is the whole file's size. A page is told by how it begins; in files of plain text
/// (`text`) only a short one whose title speaks of an error or of logging in, since texts may be
/// pages.
void refuse_placeholder(std::string_view head, std::uint64_t bytes,
                        const std::filesystem::path& path, bool text, ErrorCode code);

}  // namespace axl
