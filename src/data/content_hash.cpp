#include "data/content_hash.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <filesystem>
#include <fstream>

#include "core/durable_file.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "core/log.hpp"

namespace axl::data {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t nanoseconds(const timespec& t) {
  return static_cast<std::int64_t>(t.tv_sec) * kSecond + t.tv_nsec;
}

/// What changes when somebody writes to the file; "" when the last change is too fresh.
std::string identity_of(const std::string& path, std::chrono::nanoseconds settled) {
  struct stat s {};
  if (::stat(path.c_str(), &s) != 0) return "";
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::int64_t age =
      std::chrono::duration_cast<std::chrono::nanoseconds>(now).count() - nanoseconds(s.st_ctim);
  if (age < settled.count()) return "";
  return fmt::format("{} {} {} {} {}", s.st_dev, s.st_ino, s.st_size, nanoseconds(s.st_mtim),
                     nanoseconds(s.st_ctim));
}

}  // namespace

FileHashes::FileHashes(const std::string& folder, std::chrono::nanoseconds settled)
    : settled_(settled) {
  if (folder.empty()) return;
  path_ = (fs::path(folder) / "file_hashes.json").string();
  std::ifstream in(path_, std::ios::binary);
  const auto all = try_parse_json<nlohmann::json>(in);
  if (!all.is_object()) return;
  for (const auto& [path, entry] : all.items())
    if (entry.is_array() && entry.size() == 2 && entry[0].is_string() &&
        entry[1].is_number_unsigned())
      known_[path] = {entry[0].get<std::string>(), entry[1].get<std::uint64_t>()};
}

std::uint64_t FileHashes::of(const SourceFile& file) {
  // Small ones are read sooner than remembered.
  constexpr std::size_t kSmall = std::size_t{64} << 10;
  const std::string_view bytes = file.raw();
  const bool remembers = !path_.empty() && bytes.size() > kSmall;
  std::error_code ignored;
  const std::string name = remembers ? fs::absolute(file.path, ignored).string() : "";
  const std::string identity = remembers ? identity_of(file.path, settled_) : "";
  const auto it = known_.find(name);
  if (!identity.empty() && it != known_.end() && it->second.identity == identity)
    return it->second.hash;
  ++hashed_;
  const std::uint64_t hash = XXH3_64bits(bytes.data(), bytes.size());
  if (!identity.empty()) {
    known_[name] = {identity, hash};
    changed_ = true;
  }
  return hash;
}

void FileHashes::save() const {
  if (!changed_) return;
  auto all = nlohmann::json::object();
  std::error_code ignored;
  for (const auto& [path, entry] : known_)
    if (fs::exists(path, ignored)) all[path] = {entry.identity, entry.hash};
  try {
    fs::create_directories(fs::path(path_).parent_path(), ignored);
    write_durably(path_, json_text(all, 1) + "\n");
  } catch (const Error& e) {
    log::debug("{}", e.message());
  }
}

std::uint64_t content_hash(const std::vector<SourceFile>& files, FileHashes& hashes) {
  XXH3_state_t* state = XXH3_createState();
  XXH3_64bits_reset(state);
  for (const SourceFile& file : files) {
    const std::string name = fs::path(file.path).filename().string();
    const std::uint64_t facts[3] = {name.size(), file.raw().size(), hashes.of(file)};
    XXH3_64bits_update(state, facts, sizeof facts);
    XXH3_64bits_update(state, name.data(), name.size());
  }
  const std::uint64_t hash = XXH3_64bits_digest(state);
  XXH3_freeState(state);
  return hash;
}

}  // namespace axl::data
