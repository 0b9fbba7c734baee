#include "tokenizer/tokenizer_impl.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "tokenizer/unicode.hpp"
#include "tokenizer/word_marks.hpp"

namespace axl::tokenizer {

Tokenizer::Impl::Impl(TokenizerParts from)
    : parts(std::move(from)),
      model(std::move(parts.model)),
      normalizer(parts.normalizer),
      pre_tokenizer(parts.pre_tokenizer),
      post_processor(parts.post_processor),
      decoder(parts.decoder) {
  if (pre_tokenizer.byte_level_last() && !model->use_bytes()) pre_tokenizer.spell_bytes();
  for (AddedToken& t : parts.added) add_token(std::move(t));
  parts.added.clear();
}

/// A token that the model knows keeps the model's id; others are numbered behind everything, in the
/// order in which they come. This is what the `tokenizers` package does, whatever the file says.
void Tokenizer::Impl::add_token(AddedToken token) {
  if (token.content.empty()) return;
  token.id = model->vocab().find(token.content);
  if (token.id < 0) {
    if (const AddedToken* known = added.find_by_content(token.content)) {
      token.id = known->id;
    } else {
      const auto behind_model = static_cast<std::int64_t>(model->vocab().size());
      token.id = static_cast<std::int32_t>(std::max(behind_model, added.highest_id() + 1));
    }
  }
  added.add(token, normalizer);
}

std::int64_t Tokenizer::Impl::end_id() const {
  return std::max(model->vocab().end_id(), added.highest_id() + 1);
}

void Tokenizer::Impl::encode(std::string_view text, bool add_special_tokens,
                             std::vector<TokenId>& out) const {
  constexpr std::size_t kLongest = std::size_t{1} << 30;
  if (text.size() > kLongest)
    throw Error(ErrorCode::data, "a text of " + std::to_string(text.size()) +
                                     " bytes is too long to tokenize; at most 1 GiB is allowed");
  std::string mended;
  if (!unicode::is_valid(text)) {
    mended = unicode::lossy(text);
    text = mended;
  }
  if (add_special_tokens)
    out.insert(out.end(), post_processor.prefix.begin(), post_processor.prefix.end());
  std::unique_ptr<Scratch> s = scratch.take();
  if (!added.any_raw()) {
    encode_text(text, true, *s, out);
  } else {
    s->segments.clear();
    added.split_raw(text, s->segments);
    for (const Segment& part : s->segments) {
      if (part.id >= 0) {
        out.push_back(part.id);
      } else {
        encode_text(text.substr(part.span.begin, part.span.end - part.span.begin),
                    part.span.begin == 0, *s, out);
      }
    }
  }
  scratch.give_back(std::move(s));
  if (add_special_tokens)
    out.insert(out.end(), post_processor.suffix.begin(), post_processor.suffix.end());
}

void Tokenizer::Impl::encode_text(std::string_view text, bool at_start, Scratch& s,
                                  std::vector<TokenId>& out) const {
  if (text.empty()) return;
  if (!normalizer.empty()) {
    s.normalized.assign(text);
    if (normalizer.apply(s.normalized)) at_start = false;
    text = s.normalized;
  }
  if (!added.any_normalized()) {
    encode_pieces(text, at_start, s, out);
    return;
  }
  s.inner.clear();
  added.split_normalized(text, s.inner);
  for (const Segment& part : s.inner) {
    if (part.id >= 0) {
      out.push_back(part.id);
    } else {
      encode_pieces(text.substr(part.span.begin, part.span.end - part.span.begin),
                    at_start && part.span.begin == 0, s, out);
    }
  }
}

void Tokenizer::Impl::encode_pieces(std::string_view text, bool at_start, Scratch& s,
                                    std::vector<TokenId>& out) const {
  if (text.empty()) return;
  Pieces& pieces = s.pieces;
  pieces.text = text;
  pieces.at_start = at_start;
  pieces.spans.assign(1, {0, static_cast<std::uint32_t>(text.size())});
  if (pre_tokenizer.empty() && model->separable_at_word_marks()) {
    pieces.spans.clear();
    cut_at_word_marks(text, pieces.spans);
  } else {
    pre_tokenizer.apply(pieces);
  }
  IdWriter ids(out, pieces.spans.size() + pieces.spans.size() / 2);
  const char* const readable = pieces.text.data() + pieces.text.size();
  for (const Span& span : pieces.spans) {
    const std::string_view piece(pieces.text.data() + span.begin, span.end - span.begin);
    if (s.cache.find(piece, readable, ids)) [[likely]]
      continue;
    s.piece_ids.clear();
    model->encode(piece, s.work, s.piece_ids);
    s.cache.insert(piece, readable, s.piece_ids);
    ids.put(s.piece_ids.data(), s.piece_ids.size());
  }
}

std::string Tokenizer::Impl::decode(std::span<const TokenId> ids, bool skip_special_tokens) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const TokenId id : ids) {
    if (const AddedToken* t = added.find_id(id)) {
      // What is shown decides: a normalised special token is no longer one, as in `tokenizers`.
      const AddedToken* named = t->shown == t->content ? t : added.find_by_content(t->shown);
      const bool special = named != nullptr && named->special;
      if (!skip_special_tokens || !special) tokens.push_back(t->shown);
    } else if (model->vocab().contains_id(id)) {
      tokens.emplace_back(model->vocab().text(id));
    }
  }
  return decoder.decode(std::move(tokens));
}

}  // namespace axl::tokenizer
