#include "tokenizer/models/vocab.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "core/error.hpp"
#include "tokenizer/hash.hpp"

namespace axl::tokenizer {
namespace {
constexpr std::int64_t kHighestId = (std::int64_t{1} << 24) - 1;
}

void Vocab::reserve(std::size_t tokens, std::size_t bytes) {
  arena_.reserve(bytes);
  entries_.reserve(tokens);
  if (tokens * 2 > table_.size()) grow(std::bit_ceil(tokens * 2));
}

void Vocab::grow(std::size_t slots) {
  LargeTable<Slot> old(slots < 64 ? 64 : slots);
  old.swap(table_);
  const std::size_t mask = table_.size() - 1;
  for (Slot slot : old) {
    if (slot.id < 0) continue;
    slot.text = entries_[static_cast<std::size_t>(slot.id)];
    const std::uint64_t h = hash_bytes(at(slot.text));
    slot.tag = static_cast<std::uint32_t>(h >> 32);
    std::size_t s = h & mask;
    while (table_[s].id >= 0) s = (s + 1) & mask;
    table_[s] = slot;
  }
}

/// The slot of a text, or the free one where it belongs.
Vocab::Slot& Vocab::slot_of(std::string_view wanted, std::uint64_t hash) {
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  const std::size_t mask = table_.size() - 1;
  std::size_t s = hash & mask;
  while (table_[s].id >= 0 && (table_[s].tag != tag || at(table_[s].text) != wanted))
    s = (s + 1) & mask;
  return table_[s];
}

void Vocab::insert(std::string_view token, std::int64_t id) {
  if (id < 0 || id > kHighestId)
    throw Error(ErrorCode::input, "token '" + std::string(token.substr(0, 40)) + "' has the id " +
                                      std::to_string(id) + "; ids must lie in 0..." +
                                      std::to_string(kHighestId));
  if (arena_.size() + token.size() > 0xFFFFFFF0U)
    throw Error(ErrorCode::input, "the vocabulary's texts exceed 4 GB");
  if ((count_ + 1) * 2 > table_.size()) grow(table_.empty() ? 64 : table_.size() * 2);
  const std::uint64_t hash = hash_bytes(token);
  Slot& slot = slot_of(token, hash);
  if (slot.id == id) return;
  if (contains_id(id))
    throw Error(ErrorCode::input, "two tokens claim the id " + std::to_string(id) + ": '" +
                                      std::string(text(static_cast<std::int32_t>(id))) + "' and '" +
                                      std::string(token.substr(0, 40)) + "'");
  if (static_cast<std::size_t>(id) >= entries_.size())
    entries_.resize(static_cast<std::size_t>(id) + 1, Entry{0, kAbsent});
  if (slot.id >= 0) {
    entries_[static_cast<std::size_t>(slot.id)].length = kAbsent;
    --count_;
  }
  const Entry entry{static_cast<std::uint32_t>(arena_.size()),
                    static_cast<std::uint32_t>(token.size())};
  arena_ += token;
  entries_[static_cast<std::size_t>(id)] = entry;
  slot = {static_cast<std::uint32_t>(hash >> 32), static_cast<std::int32_t>(id), entry};
  ++count_;
}

void Vocab::append(std::string_view token) {
  if (find(token) < 0) {
    insert(token, end_id());
    return;
  }
  if (end_id() > kHighestId)
    throw Error(ErrorCode::input, "the vocabulary has more than 16777216 tokens");
  Slot& slot = slot_of(token, hash_bytes(token));
  entries_.push_back(slot.text);
  slot.id = static_cast<std::int32_t>(end_id() - 1);
  twins_ = true;
  ++count_;
}

void Vocab::rename(std::int32_t id, std::string_view token) {
  if (!contains_id(id)) return;
  entries_[static_cast<std::size_t>(id)] = {static_cast<std::uint32_t>(arena_.size()),
                                            static_cast<std::uint32_t>(token.size())};
  arena_ += token;
  grow(table_.size());  // fills the table anew
}

std::int32_t Vocab::find(std::string_view token) const {
  return table_.empty() ? -1 : slot_of(token, hash_bytes(token)).id;
}

void Vocab::find_all(std::span<const std::string_view> texts, std::int32_t* ids) const {
  if (table_.empty()) {
    std::fill_n(ids, texts.size(), -1);
    return;
  }
  constexpr std::size_t kAtOnce = 32;
  const std::size_t mask = table_.size() - 1;
  std::array<std::uint64_t, kAtOnce> hashes;
  for (std::size_t begin = 0; begin < texts.size(); begin += kAtOnce) {
    const auto part = texts.subspan(begin, std::min(kAtOnce, texts.size() - begin));
    for (std::size_t i = 0; i < part.size(); ++i) {
      hashes[i] = hash_bytes(part[i]);
      __builtin_prefetch(&table_[hashes[i] & mask]);
    }
    for (std::size_t i = 0; i < part.size(); ++i)
      __builtin_prefetch(arena_.data() + table_[hashes[i] & mask].text.offset);
    for (std::size_t i = 0; i < part.size(); ++i) ids[begin + i] = slot_of(part[i], hashes[i]).id;
  }
}

bool Vocab::contains_id(std::int64_t id) const {
  return id >= 0 && id < end_id() && entries_[static_cast<std::size_t>(id)].length != kAbsent;
}

std::string_view Vocab::text(std::int32_t id) const {
  if (!contains_id(id)) return {};
  return at(entries_[static_cast<std::size_t>(id)]);
}

}  // namespace axl::tokenizer
