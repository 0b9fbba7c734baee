#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "hub/options.hpp"

namespace axl::hub {

enum class RepositoryKind : std::uint8_t { model, dataset };

/// A repository at one commit in the cache: FOLDER/path is a link into the cache's blobs.
struct Snapshot {
  std::string folder;
  std::string commit;
  std::vector<std::string> files;  ///< those chosen, relative to the folder, sorted
};

/// The text of a small file of the repository; "" when it is not there.
using Reader = std::function<std::string(const std::string& path)>;

/// Chooses among all files of a repository, of which it may read some.
using Chooser =
    std::function<std::vector<std::string>(const std::vector<std::string>& all, const Reader&)>;

/// The chosen files of a repository at `revision` ("" is main), downloaded where the cache lacks
/// them and checked against the Hub's checksums. Offline (or when the Hub cannot be reached and
/// the cache has a snapshot) the chosen files of the snapshot are taken as they are. Several
/// processes may ask for the same at once: one downloads, the others wait. The layout is that of
/// Hugging Face's own library, which finds the files too. Error{input}.
Snapshot fetch(RepositoryKind kind, const std::string& repository, const std::string& revision,
               const Chooser& choose, const Options& options = options_from_environment());

/// What of a model is needed.
enum class ModelPart : std::uint8_t { tokenizer, everything };

/// `name` itself when it is a path on this machine or no name of the Hub ("org/name", or
/// "org/name@revision"); else the folder of that model's snapshot. A complete snapshot in the cache
/// is used without asking the Hub.
std::string model_folder(const std::string& name, ModelPart part);

/// How a model is written down for others: a name of the Hub without its revision, and the commit
/// that the cache has of it (else the revision as given); a path as it is, without one.
std::pair<std::string, std::string> recorded_name(const std::string& given);

/// Downloads one file by its URL into CACHE/axolotl-hpc/SHA-256 of the URL; returns its path there.
std::string fetch_url(const std::string& url, const Options& options = options_from_environment());

}  // namespace axl::hub
