#pragma once
#include <string>

namespace axl::hub {

/// SHA-256 (FIPS 180-4) of a file in hexadecimal: the name of a large file on the Hub. Error{io}.
std::string sha256_of_file(const std::string& path);
std::string sha256_of_text(const std::string& text);
/// Git's name of a file: SHA-1 of "blob SIZE\0" and the content, in hexadecimal. Error{io}.
std::string git_blob_of_file(const std::string& path);

}  // namespace axl::hub
