#include "tokenizer/models/bpe.hpp"

#include <algorithm>
#include <bit>
#include <functional>

#include "core/error.hpp"
#include "tokenizer/byte_level.hpp"
#include "tokenizer/hash.hpp"
#include "tokenizer/models/byte_tokens.hpp"
#include "tokenizer/models/model_json.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/word_marks.hpp"

namespace axl::tokenizer {
namespace {

constexpr std::uint64_t kFree = ~std::uint64_t{0};
/// Below this many symbols scanning an array for the lowest rank beats a heap.
constexpr std::size_t kShort = 64;

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}
std::uint64_t mix(std::uint64_t key) { return key * 0x9E3779B97F4A7C15U; }

}  // namespace

Bpe::Bpe(Vocab vocab, std::vector<Merge> merges, BpeOptions options)
    : vocab_(std::move(vocab)), merges_(std::move(merges)), options_(std::move(options)) {
  byte_ids_.fill(-1);
  fallback_ids_.fill(-1);
  if (!options_.unk_token.empty()) {
    unk_id_ = vocab_.find(options_.unk_token);
    if (unk_id_ < 0)
      throw Error(ErrorCode::input,
                  "the unknown token '" + options_.unk_token + "' is not in the vocabulary");
  }
  if (options_.byte_fallback) fallback_ids_ = byte_token_ids(vocab_);
  build_table();
}

bool Bpe::use_bytes() {
  bytes_ = true;
  for (std::size_t b = 0; b < 256; ++b) {
    std::string text;
    unicode::append(byte_level::byte_to_char()[b], text);
    byte_ids_[b] = vocab_.find(text);
  }
  return true;
}

void Bpe::build_table() {
  const std::size_t slots = std::bit_ceil(std::max<std::size_t>(merges_.size() * 3 / 2, 64));
  table_.assign(slots, Slot{kFree, kNoRank, -1});
  shift_ = 64 - std::countr_zero(slots);
  std::string text;
  separable_ = options_.continuing_subword_prefix.empty() && options_.end_of_word_suffix.empty() &&
               !options_.ignore_merges && vocab_.find(kWordMark) >= 0;
  for (std::size_t rank = 0; rank < merges_.size(); ++rank) {
    const auto [left, right] = merges_[rank];
    std::string_view tail = vocab_.text(right);
    const std::string& prefix = options_.continuing_subword_prefix;
    if (!prefix.empty() && tail.starts_with(prefix)) tail.remove_prefix(prefix.size());
    text.assign(vocab_.text(left));
    separable_ = separable_ && (!tail.starts_with(kWordMark) || text.ends_with(kWordMark));
    text += tail;
    const std::int32_t id = vocab_.find(text);
    if (id < 0)
      throw Error(ErrorCode::input, "merge " + std::to_string(rank) + " makes '" + text +
                                        "', which is not in the vocabulary");
    const std::uint64_t key = pair_key(left, right);
    std::size_t s = mix(key) >> shift_;
    while (table_[s].key != kFree && table_[s].key != key) s = (s + 1) & (slots - 1);
    table_[s] = {key, static_cast<std::uint32_t>(rank), id};
  }
}

Workspace::Candidate Bpe::lookup(std::int32_t left, std::int32_t right) const {
  const std::uint64_t key = pair_key(left, right);
  const std::size_t mask = table_.size() - 1;
  std::size_t s = mix(key) >> shift_;
  while (table_[s].key != key) {
    if (table_[s].key == kFree) return {kNoRank, -1};
    s = (s + 1) & mask;
  }
  return {table_[s].rank, table_[s].id};
}

void Bpe::split_characters(std::string_view piece, std::vector<std::int32_t>& ids,
                           std::string& text) const {
  bool unknown = false;  // an unknown token waits to be fused with the next one
  const char* const end = piece.data() + piece.size();
  for (const char* p = piece.data(); p < end;) {
    std::uint32_t length = bytes_ ? 1 : unicode::decode(p, end).bytes;
    std::string_view raw(p, length);
    const bool first = p == piece.data();
    p += length;
    std::int32_t id = -1;
    if (bytes_ && options_.continuing_subword_prefix.empty() &&
        options_.end_of_word_suffix.empty()) {
      id = byte_ids_[static_cast<unsigned char>(raw[0])];
    } else {
      text.clear();
      if (!first) text += options_.continuing_subword_prefix;
      if (bytes_) {
        unicode::append(byte_level::byte_to_char()[static_cast<unsigned char>(raw[0])], text);
      } else {
        text += raw;
      }
      if (p == end) text += options_.end_of_word_suffix;
      id = vocab_.find(text);
      raw = text;
    }
    if (id >= 0) {
      if (unknown) ids.push_back(unk_id_);
      unknown = false;
      ids.push_back(id);
      continue;
    }
    if (options_.byte_fallback && put_byte_tokens(raw, fallback_ids_, ids)) continue;
    if (unk_id_ < 0) continue;
    if (unknown && !options_.fuse_unk) ids.push_back(unk_id_);
    unknown = true;
  }
  if (unknown) ids.push_back(unk_id_);
}

void Bpe::encode(std::string_view piece, Workspace& w, std::vector<TokenId>& out) const {
  if (options_.ignore_merges) {
    const std::int32_t whole = bytes_ ? vocab_.find(byte_level::encode(piece)) : vocab_.find(piece);
    if (whole >= 0) {
      out.push_back(whole);
      return;
    }
  }
  w.ids.clear();
  split_characters(piece, w.ids, w.text);
  if (w.ids.size() < 2) {
    out.insert(out.end(), w.ids.begin(), w.ids.end());
  } else if (w.ids.size() <= kShort) {
    merge_short(w, out);
  } else {
    merge_long(w, out);
  }
}

void Bpe::merge_short(Workspace& w, std::vector<TokenId>& out) const {
  std::size_t n = w.ids.size();
  if (w.pairs.size() < kShort) w.pairs.resize(kShort);
  std::int32_t* ids = w.ids.data();
  Workspace::Candidate* pairs = w.pairs.data();
  for (std::size_t i = 0; i + 1 < n; ++i) pairs[i] = lookup(ids[i], ids[i + 1]);
  while (n > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < n; ++i)
      if (pairs[i].rank < pairs[best].rank) best = i;
    if (pairs[best].rank == kNoRank) break;
    ids[best] = pairs[best].id;
    std::copy(ids + best + 2, ids + n, ids + best + 1);
    if (best + 2 < n) std::copy(pairs + best + 2, pairs + n - 1, pairs + best + 1);
    --n;
    if (best > 0) pairs[best - 1] = lookup(ids[best - 1], ids[best]);
    if (best + 1 < n) pairs[best] = lookup(ids[best], ids[best + 1]);
  }
  out.insert(out.end(), ids, ids + n);
}

void Bpe::merge_long(Workspace& w, std::vector<TokenId>& out) const {
  const auto n = static_cast<std::int32_t>(w.ids.size());
  auto& symbols = w.symbols;
  auto& heap = w.heap;
  symbols.resize(w.ids.size());
  w.pairs.resize(std::max(w.ids.size(), kShort));
  heap.clear();
  const auto at = [&](std::int32_t i) -> Workspace::Symbol& {
    return symbols[static_cast<std::size_t>(i)];
  };
  // Lowest rank first, then leftmost: one integer orders both.
  const auto push = [&](std::int32_t i) {
    const Workspace::Candidate c = lookup(at(i).id, at(at(i).next).id);
    w.pairs[static_cast<std::size_t>(i)] = c;
    if (c.rank == kNoRank) return;
    heap.push_back(static_cast<std::uint64_t>(c.rank) << 32 | static_cast<std::uint32_t>(i));
    std::push_heap(heap.begin(), heap.end(), std::greater<>());
  };
  for (std::int32_t i = 0; i < n; ++i)
    at(i) = {w.ids[static_cast<std::size_t>(i)], i - 1, i + 1 < n ? i + 1 : -1};
  for (std::int32_t i = 0; i + 1 < n; ++i) push(i);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    const std::uint64_t top = heap.back();
    heap.pop_back();
    const auto i = static_cast<std::int32_t>(top & 0xFFFFFFFFU);
    Workspace::Symbol& s = at(i);
    const Workspace::Candidate c = w.pairs[static_cast<std::size_t>(i)];
    if (s.id < 0 || s.next < 0 || c.rank != top >> 32) continue;  // outdated
    Workspace::Symbol& gone = at(s.next);
    s.id = c.id;
    s.next = gone.next;
    gone.id = -1;
    w.pairs[static_cast<std::size_t>(i)] = {kNoRank, -1};
    if (s.next >= 0) {
      at(s.next).previous = i;
      push(i);
    }
    if (s.previous >= 0) push(s.previous);
  }
  for (std::int32_t i = 0; i >= 0; i = at(i).next) out.push_back(at(i).id);
}

std::uint64_t Bpe::fingerprint() const {
  const std::uint64_t flags = (options_.fuse_unk ? 1U : 0U) + (options_.byte_fallback ? 2U : 0U) +
                              (options_.ignore_merges ? 4U : 0U);
  const std::uint64_t names =
      hash_bytes(options_.unk_token + '\0' + options_.continuing_subword_prefix + '\0' +
                     options_.end_of_word_suffix,
                 flags);
  return hash_bytes({reinterpret_cast<const char*>(merges_.data()), merges_.size() * sizeof(Merge)},
                    names);
}

std::string Bpe::json() const {
  using model_json::json_text;
  using model_json::json_text_or_null;
  using model_json::truth;
  const BpeOptions& o = options_;
  std::string out = "{\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": " +
                    json_text_or_null(o.unk_token) + ",\n    \"continuing_subword_prefix\": " +
                    json_text_or_null(o.continuing_subword_prefix) +
                    ",\n    \"end_of_word_suffix\": " + json_text_or_null(o.end_of_word_suffix) +
                    ",\n    \"fuse_unk\": " + truth(o.fuse_unk) +
                    ",\n    \"byte_fallback\": " + truth(o.byte_fallback) +
                    ",\n    \"ignore_merges\": " + truth(o.ignore_merges) +
                    ",\n    \"vocab\": " + model_json::write_vocab(vocab_) + ",\n    \"merges\": [";
  const char* separator = "\n      [";
  for (const auto& [left, right] : merges_) {
    out += separator + json_text(vocab_.text(left)) + ", " + json_text(vocab_.text(right)) + "]";
    separator = ",\n      [";
  }
  return out + "\n    ]\n  }";
}

}  // namespace axl::tokenizer
