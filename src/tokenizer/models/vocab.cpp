#include "tokenizer/models/vocab.hpp"

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
  std::vector<std::int32_t> ids(slots < 64 ? 64 : slots, -1);
  std::vector<std::uint32_t> tags(ids.size());
  ids.swap(table_);
  tags.swap(tags_);
  const std::size_t mask = table_.size() - 1;
  for (const std::int32_t id : ids) {
    if (id < 0) continue;
    const std::uint64_t h = hash_bytes(text(id));
    std::size_t s = h & mask;
    while (table_[s] >= 0) s = (s + 1) & mask;
    table_[s] = id;
    tags_[s] = static_cast<std::uint32_t>(h >> 32);
  }
}

std::size_t Vocab::slot_of(std::string_view wanted) const {
  const std::uint64_t h = hash_bytes(wanted);
  const auto tag = static_cast<std::uint32_t>(h >> 32);
  const std::size_t mask = table_.size() - 1;
  std::size_t s = h & mask;
  while (table_[s] >= 0 && (tags_[s] != tag || text(table_[s]) != wanted)) s = (s + 1) & mask;
  return s;
}

void Vocab::insert(std::string_view token, std::int64_t id) {
  if (id < 0 || id > kHighestId)
    throw Error(ErrorCode::input, "token '" + std::string(token.substr(0, 40)) + "' has the id " +
                                      std::to_string(id) + "; ids must lie in 0..." +
                                      std::to_string(kHighestId));
  if (arena_.size() + token.size() > 0xFFFFFFF0U)
    throw Error(ErrorCode::input, "the vocabulary's texts exceed 4 GB");
  if ((count_ + 1) * 2 > table_.size()) grow(table_.empty() ? 64 : table_.size() * 2);
  const std::size_t s = slot_of(token);
  if (table_[s] == id) return;
  if (contains_id(id))
    throw Error(ErrorCode::input, "two tokens claim the id " + std::to_string(id) + ": '" +
                                      std::string(text(static_cast<std::int32_t>(id))) + "' and '" +
                                      std::string(token.substr(0, 40)) + "'");
  if (static_cast<std::size_t>(id) >= entries_.size())
    entries_.resize(static_cast<std::size_t>(id) + 1, Entry{0, kAbsent});
  if (table_[s] >= 0) {
    entries_[static_cast<std::size_t>(table_[s])].length = kAbsent;
    --count_;
  }
  entries_[static_cast<std::size_t>(id)] = {static_cast<std::uint32_t>(arena_.size()),
                                            static_cast<std::uint32_t>(token.size())};
  arena_ += token;
  table_[s] = static_cast<std::int32_t>(id);
  tags_[s] = static_cast<std::uint32_t>(hash_bytes(token) >> 32);
  ++count_;
}

void Vocab::append(std::string_view token) {
  if (find(token) < 0) {
    insert(token, end_id());
    return;
  }
  const std::size_t s = slot_of(token);
  const Entry same = entries_[static_cast<std::size_t>(table_[s])];
  if (end_id() > kHighestId)
    throw Error(ErrorCode::input, "the vocabulary has more than 16777216 tokens");
  table_[s] = static_cast<std::int32_t>(end_id());
  entries_.push_back(same);
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
  return table_.empty() ? -1 : table_[slot_of(token)];
}

bool Vocab::contains_id(std::int64_t id) const {
  return id >= 0 && id < end_id() && entries_[static_cast<std::size_t>(id)].length != kAbsent;
}

std::string_view Vocab::text(std::int32_t id) const {
  if (!contains_id(id)) return {};
  const Entry& e = entries_[static_cast<std::size_t>(id)];
  return std::string_view(arena_).substr(e.offset, e.length);
}

}  // namespace axl::tokenizer
