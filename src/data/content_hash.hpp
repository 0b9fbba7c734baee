#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/source.hpp"

namespace axl::data {

/// Hashes of whole files, remembered beside the prepared data sets: a file that nobody has touched
/// since (same device, inode, size and times of change) is not read again.
class FileHashes {
 public:
  /// `folder` is dataset_prepared_path; "" remembers nothing. What cannot be read is forgotten. Of
  /// a file changed within the last `settled` another change might go unseen: it is hashed again.
  explicit FileHashes(const std::string& folder = "",
                      std::chrono::nanoseconds settled = std::chrono::seconds(2));
  /// XXH3 of the file's bytes.
  std::uint64_t of(const SourceFile& file);
  /// Writes what was hashed anew; a folder that cannot be written only costs time later.
  void save() const;
  std::size_t hashed() const { return hashed_; }  ///< files that were read

 private:
  struct Known {
    std::string identity;  ///< device, inode, size, times
    std::uint64_t hash = 0;
  };
  std::string path_;
  std::chrono::nanoseconds settled_;
  std::map<std::string, Known> known_;
  std::size_t hashed_ = 0;
  bool changed_ = false;
};

/// XXH3 of the files' last names, sizes and content.
std::uint64_t content_hash(const std::vector<SourceFile>& files, FileHashes& hashes);

}  // namespace axl::data
