#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "data/prepare.hpp"
#include "data/source.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::data {

/// Identity of a prepared dataset: everything that decides its bytes, in readable form, and the
/// hash of that. Two configurations with the same `text` give the same file.
struct CacheKey {
  std::string text;  ///< JSON
  std::string name;  ///< 32 hexadecimal digits (XXH3-128): the folder
  std::uint64_t fingerprint = 0;
};

/// `sources[i]` are the files of the i-th dataset, `test_datasets` following `datasets`.
CacheKey cache_key(const config::Config& config, const tokenizer::Tokenizer& tokenizer,
                   const std::vector<std::vector<SourceFile>>& sources);

/// Hash of what decides the batches of a stream besides its rows: data sets, tokenizer, lengths,
/// packing and seed.
std::uint64_t stream_fingerprint(const config::Config& config,
                                 const tokenizer::Tokenizer& tokenizer);

/// The prepared dataset `key` in `folder` (dataset_prepared_path), checked; nothing when it is not
/// there. A damaged one is reported as a warning and not returned.
std::optional<PrepareResult> find_cached(const std::string& folder, const CacheKey& key);

/// A folder under construction beside its final place, removed unless commit() was called.
class CacheFolder {
 public:
  CacheFolder(const std::string& folder, const CacheKey& key);  ///< Error{io}
  ~CacheFolder();
  CacheFolder(const CacheFolder&) = delete;
  CacheFolder& operator=(const CacheFolder&) = delete;
  std::string train_path() const { return temporary_ + "/train.axlprep"; }
  std::string eval_path() const { return temporary_ + "/eval.axlprep"; }
  /// Writes manifest.json, syncs, renames the folder into place and fills in the paths of `result`.
  void commit(const CacheKey& key, PrepareResult& result, bool has_eval);

 private:
  std::string folder_, temporary_, final_;
  bool committed_ = false;
};

}  // namespace axl::data
