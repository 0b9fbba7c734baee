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

/// A checksum of pieces.
class Digest {
 public:
  explicit Digest(const EVP_MD* kind) : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    good_ = context_ && EVP_DigestInit_ex(context_.get(), kind, nullptr) == 1;
  }
  void add(const char* data, std::size_t size) {
    good_ = good_ && EVP_DigestUpdate(context_.get(), data, size) == 1;
  }
  std::string hexadecimal() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    good_ = good_ && EVP_DigestFinal_ex(context_.get(), bytes.data(), &size) == 1;
    AXL_CHECK(good_, "libcrypto cannot make a checksum");
    std::string out;
    for (unsigned i = 0; i < size; ++i) out += fmt::format("{:02x}", bytes[i]);
    return out;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
  bool good_ = false;
};

std::string digest_of_file(const EVP_MD* kind, const std::string& path, const std::string& prefix) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(ErrorCode::io, "cannot read " + path);
  Digest digest(kind);
  digest.add(prefix.data(), prefix.size());
  std::vector<char> piece(1 << 20);
  while (in) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    digest.add(piece.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad()) throw Error(ErrorCode::io, "cannot read " + path);
  return digest.hexadecimal();
}

}  // namespace

std::string sha256_of_file(const std::string& path) {
  return digest_of_file(EVP_sha256(), path, "");
}

std::string sha256_of_text(const std::string& text) {
  Digest digest(EVP_sha256());
  digest.add(text.data(), text.size());
  return digest.hexadecimal();
}

std::string git_blob_of_file(const std::string& path) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(path, failed);
  if (failed) throw Error(ErrorCode::io, "cannot read " + path + ": " + failed.message());
  std::string prefix = "blob " + std::to_string(size);
  prefix += '\0';
  return digest_of_file(EVP_sha1(), path, prefix);
}

}  // namespace axl::hub
