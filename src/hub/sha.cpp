#include "hub/sha.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "core/error.hpp"

namespace axl::hub {
namespace {

std::string digest(const EVP_MD* kind, const std::string& path, const std::string& prefix) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(ErrorCode::io, "cannot read " + path);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  bool good = context && EVP_DigestInit_ex(context.get(), kind, nullptr) == 1 &&
              EVP_DigestUpdate(context.get(), prefix.data(), prefix.size()) == 1;
  std::vector<char> piece(1 << 20);
  while (good && in) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    good =
        EVP_DigestUpdate(context.get(), piece.data(), static_cast<std::size_t>(in.gcount())) == 1;
  }
  if (in.bad()) throw Error(ErrorCode::io, "cannot read " + path);
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  good = good && EVP_DigestFinal_ex(context.get(), bytes.data(), &size) == 1;
  AXL_CHECK(good, "libcrypto cannot make the checksum of " + path);
  std::string out;
  for (unsigned i = 0; i < size; ++i) out += fmt::format("{:02x}", bytes[i]);
  return out;
}

}  // namespace

std::string sha256_of_file(const std::string& path) { return digest(EVP_sha256(), path, ""); }

std::string git_blob_of_file(const std::string& path) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(path, failed);
  if (failed) throw Error(ErrorCode::io, "cannot read " + path + ": " + failed.message());
  std::string prefix = "blob " + std::to_string(size);
  prefix += '\0';
  return digest(EVP_sha1(), path, prefix);
}

}  // namespace axl::hub
