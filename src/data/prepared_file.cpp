#include "data/prepared_file.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "core/durable_file.hpp"
#include "core/error.hpp"
#include "weights/weight_file.hpp"

namespace axl::data {
namespace {

constexpr char kMagic[8] = {'A', 'X', 'L', 'P', 'R', 'E', 'P', '\n'};
constexpr std::uint64_t kBlockBytes = 1 << 20;
/// Opening a file takes as long whatever its size: this many blocks are checked, spread evenly.
constexpr std::uint64_t kSampledBlocks = 16;

/// Everything is little-endian and naturally aligned; sections follow the header in this order:
/// block checksums (blocks), index (rows), tokens, runs. The blocks are of the last three.
struct Header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t header_bytes;
  std::uint64_t rows;
  std::uint64_t tokens;
  std::uint64_t own_labels;  ///< stored among the tokens
  std::uint64_t runs;
  std::uint64_t label_tokens;
  std::uint64_t fingerprint;
  std::uint64_t file_bytes;
  std::uint64_t blocks_checksum;  ///< XXH3 of the block checksums
  std::uint64_t header_checksum;  ///< XXH3 of the header up to here
};
static_assert(sizeof(Header) == 88 && std::is_trivially_copyable_v<Header>);

struct IndexEntry {
  std::uint64_t token_begin;
  std::uint64_t run_begin;
  std::uint32_t length;
  std::uint32_t run_count;
  std::uint32_t label_tokens;
  std::uint32_t own_labels;  ///< 1: `length` labels stand behind the tokens
};
static_assert(sizeof(IndexEntry) == 32);

std::uint64_t index_bytes(const Header& h) { return h.rows * sizeof(IndexEntry); }
std::uint64_t body_bytes(const Header& h) {
  return index_bytes(h) + (h.tokens + h.own_labels) * sizeof(TokenId) + h.runs * sizeof(LabelRun);
}
/// Blocks that hold the first `bytes` of the body.
std::uint64_t blocks_of(std::uint64_t bytes) { return (bytes + kBlockBytes - 1) / kBlockBytes; }
std::uint64_t file_bytes(const Header& h) {
  return sizeof(Header) + blocks_of(body_bytes(h)) * sizeof(std::uint64_t) + body_bytes(h);
}
std::uint64_t header_checksum(const Header& h) {
  return XXH3_64bits(&h, offsetof(Header, header_checksum));
}

bool has_own_labels(const PreparedRow& row) { return row.labels.data() != row.tokens.data(); }

/// XXH3 of consecutive blocks of kBlockBytes of everything that passes through.
class BlockHasher {
 public:
  void update(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const std::size_t n = std::min<std::size_t>(bytes.size(), kBlockBytes - block_.size());
      block_.insert(block_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n));
      bytes = bytes.subspan(n);
      if (block_.size() == kBlockBytes) flush();
    }
  }
  std::vector<std::uint64_t> finish() {
    if (!block_.empty()) flush();
    return std::move(sums_);
  }

 private:
  void flush() {
    sums_.push_back(XXH3_64bits(block_.data(), block_.size()));
    block_.clear();
  }
  std::vector<std::byte> block_;
  std::vector<std::uint64_t> sums_;
};

}  // namespace

void TokenStore::add(const Sample& sample) {
  AXL_CHECK(sample.input_ids.size() == sample.labels.size(), "a row needs one label a token");
  StoredRow row{tokens.size(), runs.size(), static_cast<std::uint32_t>(sample.input_ids.size())};
  tokens.insert(tokens.end(), sample.input_ids.begin(), sample.input_ids.end());
  const std::size_t n = sample.labels.size();
  for (std::size_t i = 0; i < n; ++i)
    row.own_labels |= sample.labels[i] != kIgnore && sample.labels[i] != sample.input_ids[i];
  if (row.own_labels) tokens.insert(tokens.end(), sample.labels.begin(), sample.labels.end());
  for (std::size_t i = 0; i < n;) {
    if (sample.labels[i] == kIgnore) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    while (i < n && sample.labels[i] != kIgnore) ++i;
    runs.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(i - begin)});
    ++row.run_count;
  }
  rows.push_back(row);
}

void TokenStore::add(const TokenStore& other) {
  for (StoredRow row : other.rows) {
    row.token_begin += tokens.size();
    row.run_begin += runs.size();
    rows.push_back(row);
  }
  tokens.insert(tokens.end(), other.tokens.begin(), other.tokens.end());
  runs.insert(runs.end(), other.runs.begin(), other.runs.end());
}

void PreparedRow::unpack_labels(std::vector<TokenId>& out) const {
  out.assign(tokens.size(), kIgnore);
  for (const LabelRun& run : runs) {
    AXL_CHECK(run.start <= tokens.size() && run.length <= tokens.size() - run.start,
              "prepared dataset: label run outside of its row");
    std::copy_n(labels.begin() + run.start, run.length, out.begin() + run.start);
  }
}

std::uint32_t predicted_labels(std::span<const LabelRun> runs) {
  std::uint32_t sum = 0;
  for (const LabelRun& run : runs) sum += run.length;
  if (!runs.empty() && runs.front().start == 0) --sum;
  return sum;
}

void write_prepared_file(const std::string& path, std::span<const PreparedRow> rows,
                         std::uint64_t fingerprint) {
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kPreparedFormatVersion;
  header.header_bytes = sizeof(Header);
  header.rows = rows.size();
  header.fingerprint = fingerprint;
  std::vector<IndexEntry> index;
  index.reserve(rows.size());
  for (const PreparedRow& row : rows) {
    const std::uint32_t labels = predicted_labels(row.runs);
    index.push_back({header.tokens + header.own_labels, header.runs,
                     static_cast<std::uint32_t>(row.tokens.size()),
                     static_cast<std::uint32_t>(row.runs.size()), labels,
                     static_cast<std::uint32_t>(has_own_labels(row))});
    header.tokens += row.tokens.size();
    if (has_own_labels(row)) header.own_labels += row.labels.size();
    header.runs += row.runs.size();
    header.label_tokens += labels;
  }
  const auto body = [&](auto&& take) {
    take(std::as_bytes(std::span(std::as_const(index))));
    for (const PreparedRow& row : rows) {
      take(std::as_bytes(row.tokens));
      if (has_own_labels(row)) take(std::as_bytes(row.labels));
    }
    for (const PreparedRow& row : rows) take(std::as_bytes(row.runs));
  };
  BlockHasher hasher;
  body([&](std::span<const std::byte> bytes) { hasher.update(bytes); });
  const std::vector<std::uint64_t> blocks = hasher.finish();
  header.blocks_checksum = XXH3_64bits(blocks.data(), blocks.size() * sizeof(std::uint64_t));
  header.file_bytes = file_bytes(header);
  header.header_checksum = header_checksum(header);

  DurableFile file(path);
  file.write(std::as_bytes(std::span(&header, 1)));
  file.write(std::as_bytes(std::span(blocks)));
  body([&](std::span<const std::byte> bytes) { file.write(bytes); });
  file.commit();
}

struct PreparedDataset::Impl {
  weights::MappedFile file;
  Header header{};
  std::span<const IndexEntry> index;
  std::span<const std::uint64_t> blocks;
  std::span<const std::byte> body;
  const TokenId* tokens = nullptr;
  const LabelRun* runs = nullptr;

  explicit Impl(const std::string& path) : file(path) {
    const std::span<const std::byte> bytes = file.bytes();
    if (bytes.size() < sizeof(Header)) damaged("it is shorter than its header");
    std::memcpy(&header, bytes.data(), sizeof header);
    if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0)
      damaged("it is not a prepared dataset");
    if (header.version != kPreparedFormatVersion || header.header_bytes != sizeof(Header))
      damaged("it has format version " + std::to_string(header.version) + ", this program reads " +
              std::to_string(kPreparedFormatVersion));
    if (header.header_checksum != header_checksum(header)) damaged("its header is damaged");
    if (header.file_bytes != bytes.size())
      damaged("it has " + std::to_string(bytes.size()) + " bytes, its header says " +
              std::to_string(header.file_bytes));
    // The header is intact, so its counts are what was written; they must fit all the same.
    const std::uint64_t limit = bytes.size();
    if (header.rows > limit || header.tokens > limit || header.own_labels > limit ||
        header.runs > limit)
      damaged("its counts exceed its size");
    if (file_bytes(header) != limit) damaged("its sections do not fill it");
    const std::uint64_t body_size = body_bytes(header);
    body = bytes.last(body_size);
    const std::byte* table = bytes.data() + sizeof(Header);
    blocks = {reinterpret_cast<const std::uint64_t*>(table), blocks_of(body_size)};
    if (XXH3_64bits(table, blocks.size_bytes()) != header.blocks_checksum)
      damaged("its checksums are damaged");
    index = {reinterpret_cast<const IndexEntry*>(body.data()), header.rows};
    tokens = reinterpret_cast<const TokenId*>(body.data() + index_bytes(header));
    runs = reinterpret_cast<const LabelRun*>(tokens + header.tokens + header.own_labels);
    const std::uint64_t stride = (blocks.size() + kSampledBlocks - 1) / kSampledBlocks;
    for (std::uint64_t b = 0; b < blocks.size(); b += stride) check_block(b);
  }

  [[noreturn]] void damaged(const std::string& why) const {
    throw Error(ErrorCode::input, "prepared dataset " + file.path() + " cannot be used: " + why);
  }
  void check_block(std::uint64_t b) const {
    const std::uint64_t begin = b * kBlockBytes;
    const std::uint64_t n = std::min<std::uint64_t>(kBlockBytes, body.size() - begin);
    if (XXH3_64bits(body.data() + begin, n) == blocks[b]) return;
    const std::uint64_t at = sizeof(Header) + blocks.size_bytes() + begin;
    damaged("bytes " + std::to_string(at) + " to " + std::to_string(at + n) + " are damaged");
  }
  /// Opening has looked at a part of the index only.
  const IndexEntry& entry(std::int64_t i) const {
    AXL_CHECK(i >= 0 && i < static_cast<std::int64_t>(index.size()),
              "prepared dataset: row out of range");
    const IndexEntry& e = index[static_cast<std::size_t>(i)];
    const std::uint64_t stored = header.tokens + header.own_labels;
    const std::uint64_t length = std::uint64_t{e.length} * (e.own_labels + 1);
    if (e.own_labels > 1 || e.token_begin > stored || length > stored - e.token_begin ||
        e.run_begin > header.runs || e.run_count > header.runs - e.run_begin)
      damaged("its row index points outside of it");
    return e;
  }
};

PreparedDataset::PreparedDataset(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PreparedDataset::PreparedDataset(PreparedDataset&&) noexcept = default;
PreparedDataset& PreparedDataset::operator=(PreparedDataset&&) noexcept = default;
PreparedDataset::~PreparedDataset() = default;

PreparedDataset PreparedDataset::open(const std::string& path) {
  return PreparedDataset(std::make_unique<Impl>(path));
}
void PreparedDataset::verify() const {
  for (std::uint64_t b = 0; b < impl_->blocks.size(); ++b) impl_->check_block(b);
}
std::int64_t PreparedDataset::rows() const { return static_cast<std::int64_t>(impl_->header.rows); }
SampleView PreparedDataset::row(std::int64_t i) const {
  const IndexEntry& e = impl_->entry(i);
  const std::span ids(impl_->tokens + e.token_begin, e.length);
  SampleView view{ids, {}};
  PreparedRow{ids,
              {impl_->runs + e.run_begin, e.run_count},
              {ids.data() + std::uint64_t{e.own_labels} * e.length, e.length}}
      .unpack_labels(view.labels);
  return view;
}
std::int64_t PreparedDataset::length(std::int64_t i) const { return impl_->entry(i).length; }
std::int64_t PreparedDataset::label_tokens(std::int64_t i) const {
  return impl_->entry(i).label_tokens;
}
std::vector<std::int32_t> PreparedDataset::lengths() const {
  for (std::uint64_t b = 0; b < blocks_of(index_bytes(impl_->header)); ++b) impl_->check_block(b);
  std::vector<std::int32_t> out;
  out.reserve(impl_->index.size());
  for (const IndexEntry& e : impl_->index) out.push_back(static_cast<std::int32_t>(e.length));
  return out;
}
std::int64_t PreparedDataset::total_tokens() const {
  return static_cast<std::int64_t>(impl_->header.tokens);
}
std::int64_t PreparedDataset::total_label_tokens() const {
  return static_cast<std::int64_t>(impl_->header.label_tokens);
}
std::uint64_t PreparedDataset::fingerprint() const { return impl_->header.fingerprint; }
const std::string& PreparedDataset::path() const { return impl_->file.path(); }

}  // namespace axl::data
