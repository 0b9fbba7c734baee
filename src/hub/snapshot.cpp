#include "hub/snapshot.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "core/durable_file.hpp"
#include "core/error.hpp"
#include "core/input_file.hpp"
#include "core/json.hpp"
#include "core/log.hpp"
#include "hub/http.hpp"
#include "hub/names.hpp"
#include "hub/sha.hpp"

namespace axl::hub {
namespace fs = std::filesystem;
namespace {

void write_text(const fs::path& path, const std::string& text) {
  try {
    fs::create_directories(path.parent_path());
    write_durably(path.string(), text);
  } catch (const Error& e) {
    throw Error(e.code(), e.message()).hint("HF_HOME or HF_HUB_CACHE says where downloads go");
  }
}

/// Held while one process downloads a file; the others wait for it.
class Lock {
 public:
  explicit Lock(const fs::path& path) {
    std::error_code failed;
    fs::create_directories(path.parent_path(), failed);
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file_ < 0)
      throw Error(ErrorCode::io, "cannot create " + path.string() + ": " + std::strerror(errno))
          .hint("HF_HOME or HF_HUB_CACHE says where downloads go");
    while (::flock(file_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  ~Lock() { ::close(file_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  int file_ = -1;
};

bool is_hex(const std::string& text, std::size_t length) {
  return text.size() == length && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

/// A path inside of a repository that stays inside of it.
bool is_safe(const std::string& path) {
  if (path.empty() || path.front() == '/') return false;
  for (const auto& part : fs::path(path))
    if (part == ".." || part == "." || part.empty()) return false;
  return path.find('\\') == std::string::npos && path.find('\0') == std::string::npos;
}

std::string url_escaped(const std::string& path) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const auto u = static_cast<unsigned char>(c);
    if (std::isalnum(u) || c == '/' || c == '.' || c == '-' || c == '_' || c == '~') {
      out += c;
    } else {
      out += '%';
      out += kHex[u >> 4];
      out += kHex[u & 15];
    }
  }
  return out;
}

/// One repository in the cache.
class Repository {
 public:
  Repository(RepositoryKind kind, const std::string& name, const std::string& revision,
             const Options& options)
      : options_(options),
        name_(name),
        revision_(revision.empty() ? "main" : revision),
        is_dataset_(kind == RepositoryKind::dataset) {
    std::string folder = name;
    for (std::size_t at = 0; (at = folder.find('/', at)) != std::string::npos;)
      folder.replace(at, 1, "--");
    folder_name_ = (is_dataset_ ? "datasets--" : "models--") + folder;
    root_ = fs::path(options.cache) / folder_name_;
  }

  /// The newest snapshot that the cache knows of.
  std::optional<Snapshot> cached(const Chooser& choose) const {
    Snapshot out;
    out.commit = is_hex(revision_, 40) ? revision_ : read_or_nothing(root_ / "refs" / revision_);
    while (!out.commit.empty() && std::isspace(static_cast<unsigned char>(out.commit.back())))
      out.commit.pop_back();
    if (!is_hex(out.commit, 40)) return std::nullopt;
    const fs::path folder = root_ / "snapshots" / out.commit;
    std::error_code failed;
    std::vector<std::string> all;
    for (fs::recursive_directory_iterator it(folder, failed), end; !failed && it != end;
         it.increment(failed))
      if (fs::is_regular_file(it->path(), failed))
        all.push_back(it->path().lexically_relative(folder).string());
    std::sort(all.begin(), all.end());
    out.folder = folder.string();
    out.files = choose(all, [&](const std::string& path) {
      return is_safe(path) ? read_or_nothing(folder / path) : "";
    });
    return out;
  }

  Snapshot download_chosen(const Chooser& choose) const {
    const auto [commit, all] = list();
    Snapshot out;
    out.commit = commit;
    out.folder = (root_ / "snapshots" / commit).string();
    out.files = choose(all, [&, &commit = commit, &all = all](const std::string& path) {
      if (!std::binary_search(all.begin(), all.end(), path)) return std::string();
      download_file(commit, path, 1, 1);
      return read_or_nothing(fs::path(out.folder) / path);
    });
    std::sort(out.files.begin(), out.files.end());
    for (std::size_t i = 0; i < out.files.size(); ++i)
      download_file(commit, out.files[i], i + 1, out.files.size());
    if (!is_hex(revision_, 40)) {
      const Lock lock(fs::path(options_.cache) / ".locks" / folder_name_ / "refs.lock");
      write_text(root_ / "refs" / revision_, commit);
    }
    return out;
  }

  std::string what() const { return (is_dataset_ ? "dataset '" : "model '") + name_ + "'"; }

 private:
  std::pair<std::string, std::vector<std::string>> list() const {
    const std::string url = options_.endpoint + (is_dataset_ ? "/api/datasets/" : "/api/models/") +
                            name_ + "/revision/" + url_escaped(revision_);
    const Response answer = get(url, options_.token);
    if (answer.status == 401 || answer.status == 403 || answer.status == 404)
      throw Error(ErrorCode::input, what() + " is neither on this machine nor on the Hub (" +
                                        options_.endpoint + " answered " +
                                        std::to_string(answer.status) + ")")
          .hint(revision_ == "main" ? "check the name; private and gated ones need HF_TOKEN"
                                    : "check the name and revision '" + revision_ +
                                          "'; private and gated ones need HF_TOKEN");
    const auto info = try_parse_json<nlohmann::json>(answer.body);
    if (answer.status != 200 || !info.is_object() || !info.contains("sha") ||
        !info["sha"].is_string() || !info.contains("siblings") || !info["siblings"].is_array() ||
        !is_hex(info["sha"].get<std::string>(), 40))
      throw Error(ErrorCode::input, url + " did not answer as the Hub does (status " +
                                        std::to_string(answer.status) + ")");
    std::vector<std::string> files;
    for (const auto& file : info["siblings"])
      if (file.is_object() && file.contains("rfilename") && file["rfilename"].is_string())
        if (std::string path = file["rfilename"].get<std::string>(); is_safe(path))
          files.push_back(std::move(path));
    std::sort(files.begin(), files.end());
    return {info["sha"].get<std::string>(), files};
  }

  void download_file(const std::string& commit, const std::string& path, std::size_t number,
                     std::size_t count) const {
    const fs::path link = root_ / "snapshots" / commit / path;
    std::error_code failed;
    if (fs::exists(link, failed)) return;  // follows the link: the blob is there
    const std::string url = options_.endpoint + (is_dataset_ ? "/datasets/" : "/") + name_ +
                            "/resolve/" + commit + "/" + url_escaped(path);
    const Response facts = head(url, options_.token);
    if (facts.status >= 400)
      throw Error(ErrorCode::input, url + " answered " + std::to_string(facts.status))
          .hint("private and gated files need HF_TOKEN");
    const auto header = [&](const char* name) {
      const auto it = facts.headers.find(name);
      return it == facts.headers.end() ? std::string() : it->second;
    };
    // Large files: the checksum of the content; small ones: Git's name of the file.
    std::string tag = header("x-linked-etag");
    if (tag.empty()) tag = header("etag");
    if (tag.starts_with("W/")) tag.erase(0, 2);
    std::erase(tag, '"');
    if (tag.empty() || tag.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz"
                                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_") != std::string::npos)
      throw Error(ErrorCode::input, url + " has no usable ETag");
    const fs::path blob = root_ / "blobs" / tag;
    const Lock lock(fs::path(options_.cache) / ".locks" / folder_name_ / (tag + ".lock"));
    if (!fs::exists(blob, failed)) {
      fs::create_directories(blob.parent_path(), failed);
      const std::string partial = blob.string() + ".incomplete";
      log::info("downloading {} of {} ({} of {})", path, what(), number, count);
      for (int attempt = 0;; ++attempt) {
        download(url, options_.token, partial, Partial::checked, {});
        const std::string found = is_hex(tag, 64)   ? sha256_of_file(partial)
                                  : is_hex(tag, 40) ? git_blob_of_file(partial)
                                                    : tag;
        if (found == tag) break;
        fs::remove(partial, failed);
        if (attempt > 0)
          throw Error(ErrorCode::input, url + ": the downloaded file has checksum " + found +
                                            ", the Hub says " + tag);
        log::warning("{}: wrong checksum, downloading it once more", url);
      }
      fs::rename(partial, blob, failed);
      if (failed) throw Error(ErrorCode::io, "cannot rename " + partial + ": " + failed.message());
    }
    fs::create_directories(link.parent_path(), failed);
    fs::remove(link, failed);
    fs::create_symlink(fs::relative(blob, link.parent_path()), link, failed);
    if (failed && !fs::exists(link))
      throw Error(ErrorCode::io, "cannot create " + link.string() + ": " + failed.message());
  }

  const Options& options_;
  std::string name_, revision_, folder_name_;
  bool is_dataset_;
  fs::path root_;
};

std::string file_name(const std::string& path) { return fs::path(path).filename().string(); }

bool is_tokenizer_file(const std::string& path) {
  constexpr std::string_view kTemplates = "chat_templates/";
  if (path.starts_with(kTemplates) && path.ends_with(".jinja"))
    return path.find('/', kTemplates.size()) == std::string::npos;
  if (path.find('/') != std::string::npos) return false;
  static constexpr const char* kNames[] = {"config.json",
                                           "tokenizer.json",
                                           "tokenizer_config.json",
                                           "special_tokens_map.json",
                                           "vocab.json",
                                           "merges.txt",
                                           "vocab.txt",
                                           "added_tokens.json",
                                           "tokenizer.model",
                                           "spiece.model",
                                           "chat_template.jinja",
                                           "chat_template.json",
                                           "generation_config.json"};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [&](const char* name) { return path == name; }) ||
         path.ends_with(".tiktoken") || path.ends_with(".jinja");
}

std::vector<std::string> choose_tokenizer(const std::vector<std::string>& all, const Reader&) {
  std::vector<std::string> out;
  std::copy_if(all.begin(), all.end(), std::back_inserter(out), is_tokenizer_file);
  return out;
}

std::vector<std::string> choose_model(const std::vector<std::string>& all, const Reader&) {
  std::vector<std::string> out;
  for (const std::string& path : all)
    if (is_tokenizer_file(path) ||
        (path.find('/') == std::string::npos &&
         (path.ends_with(".json") ||
          (path.ends_with(".safetensors") && !path.starts_with("consolidated")))))
      out.push_back(path);
  return out;
}

/// Every file that loading needs is in the folder.
bool is_complete(const fs::path& folder, ModelPart part) {
  std::error_code failed;
  const auto has = [&](const std::string& name) { return fs::exists(folder / name, failed); };
  if (part == ModelPart::tokenizer)
    return has("tokenizer.json") || has("tokenizer.model") || has("vocab.json") || has("vocab.txt");
  if (!has("config.json")) return has("adapter_config.json") && has("adapter_model.safetensors");
  if (has("model.safetensors")) return true;
  const auto index =
      try_parse_json<nlohmann::json>(read_or_nothing(folder / "model.safetensors.index.json"));
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
    return false;
  for (const auto& [tensor, file] : index["weight_map"].items())
    if (!file.is_string() || !has(file.get<std::string>())) return false;
  return true;
}

}  // namespace

Snapshot fetch(RepositoryKind kind, const std::string& repository, const std::string& revision,
               const Chooser& choose, const Options& options) {
  const Repository at(kind, repository, revision, options);
  if (options.offline) {
    auto found = at.cached(choose);
    if (found && !found->files.empty()) return *found;
    throw Error(ErrorCode::input,
                at.what() + " is not in the cache " + options.cache + ", and HF_HUB_OFFLINE is set")
        .hint("run `axolotl-hpc preprocess` once where there is a network, with the same HF_HOME");
  }
  try {
    return at.download_chosen(choose);
  } catch (const Error& e) {
    if (e.code() != ErrorCode::network) throw;
    auto found = at.cached(choose);
    if (!found || found->files.empty()) throw;
    log::warning("{}; using the snapshot {} of the cache", e.message(), found->commit);
    return *found;
  }
}

std::string model_folder(const std::string& given, ModelPart part) {
  if (!is_repository_name(given)) return given;
  const auto [name, revision] = split_revision(given);
  const Options options = options_from_environment();
  const Chooser choose = part == ModelPart::tokenizer ? choose_tokenizer : choose_model;
  if (const auto found = Repository(RepositoryKind::model, name, revision, options).cached(choose);
      found && is_complete(found->folder, part))
    return found->folder;
  const Snapshot snapshot = fetch(RepositoryKind::model, name, revision, choose, options);
  if (!is_complete(snapshot.folder, part))
    throw Error(
        ErrorCode::input,
        "model '" + name + "' has no " +
            (part == ModelPart::tokenizer ? "tokenizer files" : "config.json and .safetensors"))
        .hint("weights in other formats have to be converted first");
  return snapshot.folder;
}

std::pair<std::string, std::string> recorded_name(const std::string& given) {
  if (!is_repository_name(given)) return {given, ""};
  auto [name, revision] = split_revision(given);
  const Options options = options_from_environment();
  const auto nothing = [](const std::vector<std::string>&, const Reader&) {
    return std::vector<std::string>();
  };
  if (const auto found = Repository(RepositoryKind::model, name, revision, options).cached(nothing))
    revision = found->commit;
  return {name, revision};
}

std::string fetch_url(const std::string& url, const Options& options) {
  const std::string plain = url.substr(0, url.find_first_of("?#"));
  const fs::path folder = fs::path(options.cache) / "axolotl-hpc" / sha256_of_text(url);
  std::string name = file_name(plain);
  if (name.empty() || name == "." || name == "..") name = "file";
  const fs::path file = folder / name;
  const Lock lock(folder / ".lock");
  std::error_code failed;
  if (fs::exists(file, failed)) return file.string();
  if (options.offline)
    throw Error(ErrorCode::input,
                url + " is not in the cache " + options.cache + ", and HF_HUB_OFFLINE is set");
  log::info("downloading {}", url);
  download(url, "", file.string() + ".incomplete", Partial::unknown, {});
  fs::rename(file.string() + ".incomplete", file, failed);
  if (failed) throw Error(ErrorCode::io, "cannot write " + file.string());
  return file.string();
}

}  // namespace axl::hub
