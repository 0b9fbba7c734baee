#include "tokenizer/models/bpe.hpp"

#include <algorithm>
#include <functional>

#include "core/error.hpp"
#include "core/json.hpp"
#include "tokenizer/byte_level.hpp"
#include "tokenizer/hash.hpp"
#include "tokenizer/models/byte_tokens.hpp"
#include "tokenizer/models/model_json.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/word_marks.hpp"

namespace axl::tokenizer {
namespace {

/// Below this many symbols looking at all pairs for the lowest rank beats a heap.
constexpr std::size_t kShort = 64;
constexpr int kPlaceBits = 6;
/// Ranks share 32 bits with a place.
constexpr std::size_t kMostMerges = (std::size_t{1} << (32 - kPlaceBits)) - 1;

}  // namespace

Bpe::Bpe(Vocab vocab, std::vector<Merge> merges, BpeOptions options)
    : vocab_(std::move(vocab)), merges_(std::move(merges)), options_(std::move(options)) {
  byte_ids_.fill(-1);
  fallback_ids_.fill(-1);
  // A token that is not there is an error only when a text needs it: byte-level ones never do.
  if (!options_.unk_token.empty()) unk_id_ = vocab_.find(options_.unk_token);
  if (options_.byte_fallback) fallback_ids_ = byte_token_ids(vocab_);
  if (merges_.size() > kMostMerges)
    throw Error(ErrorCode::input, "more than " + std::to_string(kMostMerges) + " merges");
  find_characters();
  find_results();
  ranks_ = PairTable(merges_, vocab_.end_id());
}

bool Bpe::use_bytes() {
  bytes_ = true;
  for (std::size_t b = 0; b < 256; ++b) {
    std::string text;
    unicode::append(byte_level::byte_to_char()[b], text);
    byte_ids_[b] = vocab_.find(text);
  }
  plain_bytes_ =
      options_.continuing_subword_prefix.empty() && options_.end_of_word_suffix.empty() &&
      std::all_of(byte_ids_.begin(), byte_ids_.end(), [](std::int32_t id) { return id >= 0; });
  if (plain_bytes_) find_byte_pairs();
  return true;
}

/// The ranks of pairs of bytes: where merging begins, most lookups are these.
void Bpe::find_byte_pairs() {
  std::vector<std::int16_t> byte_of(static_cast<std::size_t>(vocab_.end_id()), -1);
  for (std::size_t b = 0; b < 256; ++b)
    byte_of[static_cast<std::size_t>(byte_ids_[b])] = static_cast<std::int16_t>(b);
  byte_pairs_.assign(std::size_t{1} << 16, PairTable::kNone);
  for (std::size_t rank = 0; rank < merges_.size(); ++rank) {
    const int left = byte_of[static_cast<std::size_t>(merges_[rank].first)];
    const int right = byte_of[static_cast<std::size_t>(merges_[rank].second)];
    if (left >= 0 && right >= 0)
      byte_pairs_[static_cast<std::size_t>(left << 8 | right)] = static_cast<std::uint32_t>(rank);
  }
}

/// The characters that most texts are made of, where they are tokens whatever is around them.
void Bpe::find_characters() {
  ascii_ids_.fill(-1);
  if (!options_.continuing_subword_prefix.empty() || !options_.end_of_word_suffix.empty()) return;
  for (std::size_t c = 0; c < ascii_ids_.size(); ++c) {
    const char text = static_cast<char>(c);
    ascii_ids_[c] = vocab_.find({&text, 1});
  }
  mark_id_ = vocab_.find(kWordMark);
}

/// What each merge makes, and whether merges respect word marks.
void Bpe::find_results() {
  const std::string& prefix = options_.continuing_subword_prefix;
  separable_ = prefix.empty() && options_.end_of_word_suffix.empty() && !options_.ignore_merges &&
               vocab_.find(kWordMark) >= 0;
  results_.reserve(merges_.size());
  std::string text;
  std::int32_t last = -1;
  for (const auto& [left, right] : merges_) {
    const std::string_view head = vocab_.text(left);
    std::string_view tail = vocab_.text(right);
    if (!prefix.empty() && tail.starts_with(prefix)) tail.remove_prefix(prefix.size());
    separable_ = separable_ && (!tail.starts_with(kWordMark) || head.ends_with(kWordMark));
    // Nearly always it is the token of the merge before or the next one: no hash is needed then.
    const auto is_result = [&](std::int32_t id) {
      const std::string_view t = vocab_.text(id);
      return !t.empty() && t.size() == head.size() + tail.size() && t.starts_with(head) &&
             t.ends_with(tail);
    };
    if (vocab_.has_twins() || (!is_result(last) && !is_result(++last))) {
      text.assign(head) += tail;
      last = vocab_.find(text);
    }
    if (last < 0)
      throw Error(ErrorCode::input, "merge " + std::to_string(results_.size()) + " makes '" + text +
                                        "', which is not in the vocabulary");
    results_.push_back(last);
  }
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
    } else if (!bytes_ && static_cast<unsigned char>(raw[0]) < 0x80) {
      id = ascii_ids_[static_cast<std::size_t>(raw[0])];
    } else if (!bytes_ && raw == kWordMark) {
      id = mark_id_;
    }
    if (id < 0) {
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
    if (unk_id_ < 0) {
      if (options_.unk_token.empty()) continue;
      throw Error(ErrorCode::data, "a character has no token, and the unknown token '" +
                                       options_.unk_token + "' is not in the vocabulary");
    }
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
  if (plain_bytes_ && piece.size() <= kShort) {
    std::array<std::int32_t, kShort> ids;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(piece[i]); };
    for (std::size_t i = 0; i < piece.size(); ++i) ids[i] = byte_ids_[byte(i)];
    const auto first_rank = [&](std::size_t i) {
      return byte_pairs_[static_cast<std::size_t>(byte(i) << 8 | byte(i + 1))];
    };
    merge_short(piece.size(), first_rank, ids.data(), out);
    return;
  }
  w.ids.clear();
  split_characters(piece, w.ids, w.text);
  const auto first_rank = [&](std::size_t i) { return ranks_.find(w.ids[i], w.ids[i + 1]); };
  if (w.ids.size() <= kShort) {
    merge_short(w.ids.size(), first_rank, w.ids.data(), out);
  } else {
    merge_long(w, out);
  }
}

/// Up to 64 symbols. A pair is one number, its rank before its place: the least of them is the
/// lowest rank, the leftmost of equals. Symbols stay in place and are linked by their places.
template <class FirstRank>
void Bpe::merge_short(std::size_t n, const FirstRank& first_rank, std::int32_t* ids,
                      std::vector<TokenId>& out) const {
  constexpr std::size_t kLanes = 8;
  constexpr std::uint32_t kNoPair = PairTable::kNone << kPlaceBits;
  alignas(32) std::array<std::uint32_t, kShort> pairs;
  std::array<std::uint8_t, kShort + 1> next, previous;
  const auto pair = [](std::uint32_t rank, std::size_t place) {
    return rank << kPlaceBits | static_cast<std::uint32_t>(place);
  };
  const std::size_t blocks = (n + kLanes - 1) / kLanes;
  for (std::size_t i = 0; i + 1 < n; ++i) pairs[i] = pair(first_rank(i), i);
  for (std::size_t i = n > 0 ? n - 1 : 0; i < blocks * kLanes; ++i) pairs[i] = kNoPair;
  for (std::size_t i = 0; i < n; ++i) {
    next[i] = static_cast<std::uint8_t>(i + 1);
    previous[i + 1] = static_cast<std::uint8_t>(i);
  }
  while (true) {
    std::array<std::uint32_t, kLanes> least;
    least.fill(kNoPair);
    for (std::size_t b = 0; b < blocks; ++b)
      for (std::size_t k = 0; k < kLanes; ++k) least[k] = std::min(least[k], pairs[b * kLanes + k]);
    std::uint32_t best = least[0];
    for (std::size_t k = 1; k < kLanes; ++k) best = std::min(best, least[k]);
    if (best >= kNoPair) break;
    const std::size_t at = best & (kShort - 1), gone = next[at], after = next[gone];
    ids[at] = results_[best >> kPlaceBits];
    next[at] = static_cast<std::uint8_t>(after);
    previous[after] = static_cast<std::uint8_t>(at);
    pairs[gone] = kNoPair;
    pairs[at] = after < n ? pair(ranks_.find(ids[at], ids[after]), at) : kNoPair;
    if (at > 0) {
      const std::size_t before = previous[at];
      pairs[before] = pair(ranks_.find(ids[before], ids[at]), before);
    }
  }
  for (std::size_t i = 0; i < n; i = next[i]) out.push_back(ids[i]);
}

void Bpe::merge_long(Workspace& w, std::vector<TokenId>& out) const {
  const auto n = static_cast<std::int32_t>(w.ids.size());
  auto& symbols = w.symbols;
  auto& heap = w.heap;
  symbols.resize(w.ids.size());
  w.ranks.resize(w.ids.size());
  heap.clear();
  const auto at = [&](std::int32_t i) -> Workspace::Symbol& {
    return symbols[static_cast<std::size_t>(i)];
  };
  // Lowest rank first, then leftmost: one integer orders both.
  const auto push = [&](std::int32_t i) {
    const std::uint32_t rank = ranks_.find(at(i).id, at(at(i).next).id);
    w.ranks[static_cast<std::size_t>(i)] = rank;
    if (rank == PairTable::kNone) return;
    heap.push_back(static_cast<std::uint64_t>(rank) << 32 | static_cast<std::uint32_t>(i));
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
    const std::uint32_t rank = w.ranks[static_cast<std::size_t>(i)];
    if (s.id < 0 || s.next < 0 || rank != top >> 32) continue;  // outdated
    Workspace::Symbol& gone = at(s.next);
    s.id = results_[rank];
    s.next = gone.next;
    gone.id = -1;
    w.ranks[static_cast<std::size_t>(i)] = PairTable::kNone;
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
  using model_json::json_string_or_null;
  using model_json::truth;
  const BpeOptions& o = options_;
  std::string out =
      "{\n    \"type\": \"BPE\",\n    \"dropout\": " +
      (o.dropout > 0 ? json_text(nlohmann::json(o.dropout)) : "null") +
      ",\n    \"unk_token\": " + json_string_or_null(o.unk_token) +
      ",\n    \"continuing_subword_prefix\": " + json_string_or_null(o.continuing_subword_prefix) +
      ",\n    \"end_of_word_suffix\": " + json_string_or_null(o.end_of_word_suffix) +
      ",\n    \"fuse_unk\": " + truth(o.fuse_unk) +
      ",\n    \"byte_fallback\": " + truth(o.byte_fallback) +
      ",\n    \"ignore_merges\": " + truth(o.ignore_merges) +
      ",\n    \"vocab\": " + model_json::write_vocab(vocab_) + ",\n    \"merges\": [";
  const char* separator = "\n      [";
  for (const auto& [left, right] : merges_) {
    out +=
        separator + json_string(vocab_.text(left)) + ", " + json_string(vocab_.text(right)) + "]";
    separator = ",\n      [";
  }
  return out + "\n    ]\n  }";
}

}  // namespace axl::tokenizer
