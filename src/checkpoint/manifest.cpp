#include "checkpoint/manifest.hpp"

#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <vector>

#include "core/durable_file.hpp"
#include "core/error.hpp"
#include "core/input_file.hpp"
#include "core/json.hpp"

namespace axl::checkpoint {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::int64_t kFormat = 1;
constexpr std::uintmax_t kMaxManifestBytes = std::uintmax_t{16} << 20;

struct FileSum {
  std::int64_t bytes = 0;
  std::string xxh3;
};

FileSum sum_of(const std::string& path) {
  const InputFile file(path, ErrorCode::checkpoint);
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                       &XXH3_freeState);
  XXH3_64bits_reset(state.get());
  std::vector<char> buffer(std::size_t{1} << 20);
  FileSum out;
  ssize_t n = 0;
  while ((n = ::read(file.descriptor(), buffer.data(), buffer.size())) != 0) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    XXH3_64bits_update(state.get(), buffer.data(), static_cast<std::size_t>(n));
    out.bytes += n;
  }
  if (n < 0)
    throw Error(ErrorCode::checkpoint, "cannot read " + path + ": " + std::strerror(errno));
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx",
                static_cast<unsigned long long>(XXH3_64bits_digest(state.get())));
  out.xxh3 = text;
  return out;
}

json read_manifest(const std::string& path) {
  const std::string text = read_input(path, kMaxManifestBytes, ErrorCode::checkpoint);
  try {
    return parse_json<json>(text);
  } catch (const json::exception&) {
    throw Error(ErrorCode::checkpoint, path + ": not valid JSON");
  }
}

/// A relative path below the folder: manifests may come from elsewhere.
bool is_plain(const std::string& name) {
  const fs::path path(name);
  return !name.empty() && path.is_relative() &&
         std::none_of(path.begin(), path.end(), [](const fs::path& p) { return p == ".."; });
}

}  // namespace

bool same_content(const std::string& a, const std::string& b) {
  std::error_code ignored;
  if (fs::file_size(a, ignored) != fs::file_size(b, ignored)) return false;
  return sum_of(a).xxh3 == sum_of(b).xxh3;
}

void write_manifest(const std::string& folder, std::int64_t step) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && entry.path().filename() != kManifestFile)
      names.push_back(fs::relative(entry.path(), folder).string());
  std::sort(names.begin(), names.end());
  json out{{"format", kFormat}, {"step", step}, {"files", json::array()}};
  for (const std::string& name : names) {
    const FileSum sum = sum_of(folder + "/" + name);
    out["files"].push_back({{"name", name}, {"bytes", sum.bytes}, {"xxh3", sum.xxh3}});
  }
  write_durably(folder + "/" + kManifestFile, json_text(out, 2) + "\n");
}

std::int64_t verify_manifest(const std::string& folder) {
  const std::string path = folder + "/" + kManifestFile;
  const json manifest = read_manifest(path);
  try {
    if (manifest.at("format").get<std::int64_t>() != kFormat)
      throw Error(ErrorCode::checkpoint, path + ": written by another version of the format");
    for (const json& file : manifest.at("files")) {
      const auto name = file.at("name").get<std::string>();
      if (!is_plain(name))
        throw Error(ErrorCode::checkpoint, path + ": names a file outside of the checkpoint");
      const FileSum sum = sum_of(folder + "/" + name);
      const auto bytes = file.at("bytes").get<std::int64_t>();
      if (sum.bytes != bytes)
        throw Error(ErrorCode::checkpoint, folder + "/" + name + ": has " +
                                               std::to_string(sum.bytes) + " bytes, written were " +
                                               std::to_string(bytes));
      if (sum.xxh3 != file.at("xxh3").get<std::string>())
        throw Error(ErrorCode::checkpoint, folder + "/" + name + ": was altered after writing");
    }
    return manifest.at("step").get<std::int64_t>();
  } catch (const json::exception&) {
    throw Error(ErrorCode::checkpoint, path + ": not a checkpoint's manifest");
  }
}

}  // namespace axl::checkpoint
