#include "tokenizer/added_tokens.hpp"

#include <algorithm>
#include <cstring>

#include "tokenizer/unicode.hpp"
#include "tokenizer/unicode_sets.hpp"

namespace axl::tokenizer {
namespace {

/// Start of the character that ends before `at`.
std::size_t before(std::string_view text, std::size_t at) {
  do {
    --at;
  } while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}
char32_t code_at(std::string_view text, std::size_t at) {
  return unicode::decode(text.data() + at, text.data() + text.size()).code;
}
std::size_t skip_spaces_left(std::string_view text, std::size_t at) {
  while (at > 0) {
    const std::size_t start = before(text, at);
    if (!unicode::is_space(code_at(text, start))) break;
    at = start;
  }
  return at;
}
std::size_t skip_spaces_right(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const unicode::Decoded d = unicode::decode(text.data() + at, text.data() + text.size());
    if (!unicode::is_space(d.code)) break;
    at += d.bytes;
  }
  return at;
}

}  // namespace

std::int32_t TokenMatcher::child(std::int32_t node, unsigned char byte) const {
  std::int32_t n = nodes_[static_cast<std::size_t>(node)].child;
  while (n >= 0 && nodes_[static_cast<std::size_t>(n)].byte != byte)
    n = nodes_[static_cast<std::size_t>(n)].sibling;
  return n;
}

void TokenMatcher::add(std::string_view text, std::int32_t value) {
  if (text.empty()) return;
  std::int32_t node = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    std::int32_t next = i == 0 ? roots_[byte] - 1 : child(node, byte);
    if (next < 0) {
      next = static_cast<std::int32_t>(nodes_.size());
      Node fresh;
      fresh.byte = byte;
      if (i == 0) {
        roots_[byte] = next + 1;
        ++first_bytes_;
        only_byte_ = byte;
      } else {
        fresh.sibling = nodes_[static_cast<std::size_t>(node)].child;
        nodes_[static_cast<std::size_t>(node)].child = next;
      }
      nodes_.push_back(fresh);
    }
    node = next;
  }
  nodes_[static_cast<std::size_t>(node)].value = value;
}

TokenMatcher::Hit TokenMatcher::find(std::string_view text, std::size_t from) const {
  const std::size_t n = text.size();
  for (std::size_t at = from; at < n; ++at) {
    if (first_bytes_ == 1) {
      const void* hit = std::memchr(text.data() + at, only_byte_, n - at);
      if (hit == nullptr) break;
      at = static_cast<std::size_t>(static_cast<const char*>(hit) - text.data());
    }
    std::int32_t node = roots_[static_cast<unsigned char>(text[at])] - 1;
    if (node < 0) continue;
    Hit best{at, at, -1};
    for (std::size_t i = at + 1;; ++i) {
      const Node& here = nodes_[static_cast<std::size_t>(node)];
      if (here.value >= 0) best = {at, i, here.value};
      if (i >= n) break;
      node = child(node, static_cast<unsigned char>(text[i]));
      if (node < 0) break;
    }
    if (best.value >= 0) return best;
  }
  return {n, n, -1};
}

void AddedTokens::index(std::int32_t at, const Normalizer& normalizer) {
  AddedToken& t = tokens_[static_cast<std::size_t>(at)];
  t.shown = t.content;
  if (t.normalized) {
    normalizer.apply(t.shown);
    normalized_.add(t.shown, at);
  } else {
    raw_.add(t.content, at);
  }
  const auto id = static_cast<std::size_t>(t.id);
  if (id >= by_id_.size()) by_id_.resize(id + 1, -1);
  by_id_[id] = at;
}

void AddedTokens::rebuild(const Normalizer& normalizer) {
  raw_ = TokenMatcher();
  normalized_ = TokenMatcher();
  by_id_.clear();
  for (std::size_t i = 0; i < tokens_.size(); ++i) index(static_cast<std::int32_t>(i), normalizer);
}

void AddedTokens::add(const AddedToken& token, const Normalizer& normalizer) {
  const auto known = by_content_.find(token.content);
  if (known != by_content_.end()) {
    tokens_[static_cast<std::size_t>(known->second)] = token;
    rebuild(normalizer);
    return;
  }
  by_content_.emplace(token.content, static_cast<std::int32_t>(tokens_.size()));
  tokens_.push_back(token);
  highest_id_ = std::max<std::int64_t>(highest_id_, token.id);
  index(static_cast<std::int32_t>(tokens_.size()) - 1, normalizer);
}

bool AddedTokens::rename(std::int32_t id, const std::string& content,
                         const Normalizer& normalizer) {
  const AddedToken* known = find_id(id);
  if (known == nullptr) return false;
  const auto at = static_cast<std::size_t>(known - tokens_.data());
  by_content_.erase(tokens_[at].content);
  by_content_.emplace(content, static_cast<std::int32_t>(at));
  tokens_[at].content = content;
  rebuild(normalizer);
  return true;
}

const AddedToken* AddedTokens::find_by_content(std::string_view content) const {
  const auto it = by_content_.find(std::string(content));
  return it == by_content_.end() ? nullptr : &tokens_[static_cast<std::size_t>(it->second)];
}

const AddedToken* AddedTokens::find_id(std::int32_t id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= by_id_.size()) return nullptr;
  const std::int32_t at = by_id_[static_cast<std::size_t>(id)];
  return at < 0 ? nullptr : &tokens_[static_cast<std::size_t>(at)];
}

void AddedTokens::split(const TokenMatcher& matcher, std::string_view text,
                        std::vector<Segment>& out) const {
  std::size_t done = 0;
  const auto put = [&](std::size_t begin, std::size_t end, std::int32_t id) {
    out.push_back({{static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)}, id});
  };
  for (auto hit = matcher.find(text, 0); hit.value >= 0; hit = matcher.find(text, hit.end)) {
    const AddedToken& token = tokens_[static_cast<std::size_t>(hit.value)];
    std::size_t begin = hit.begin, end = hit.end;
    if (token.single_word) {
      const bool left = begin > 0 && unicode::is_word(code_at(text, before(text, begin)));
      const bool right = end < text.size() && unicode::is_word(code_at(text, end));
      if (left || right) continue;
    }
    if (token.lstrip) begin = std::max(skip_spaces_left(text, begin), done);
    if (token.rstrip) end = skip_spaces_right(text, end);
    if (done < begin) put(done, begin, -1);
    put(begin, end, token.id);
    done = end;
  }
  if (done < text.size()) put(done, text.size(), -1);
}

}  // namespace axl::tokenizer
