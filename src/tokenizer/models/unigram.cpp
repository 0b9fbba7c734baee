#include "tokenizer/models/unigram.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "core/json.hpp"
#include "tokenizer/hash.hpp"
#include "tokenizer/models/byte_tokens.hpp"
#include "tokenizer/models/model_json.hpp"
#include "tokenizer/models/registry.hpp"
#include "tokenizer/unicode.hpp"

namespace axl::tokenizer {
namespace {

/// What SentencePiece takes off the lowest score for a character without a token.
constexpr double kUnknownPenalty = 10.0;

/// 1e0 ... 1e308, each the nearest double.
double power_of_ten(int exponent) {
  static const std::array<double, 309> powers = [] {
    std::array<double, 309> all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = std::stod("1e" + std::to_string(i));
    return all;
  }();
  return powers.at(static_cast<std::size_t>(exponent));
}

}  // namespace

double as_read_from_json(double value) {
  char text[64];
  const auto end =
      std::to_chars(text, text + sizeof text, std::abs(value), std::chars_format::scientific);
  std::uint64_t digits = 0;  // at most 17 of them
  int exponent = 0;
  const char* p = text;
  for (bool fraction = false; p < end.ptr && *p != 'e'; ++p) {
    if (*p == '.') {
      fraction = true;
    } else {
      digits = digits * 10 + static_cast<std::uint64_t>(*p - '0');
      exponent -= fraction;
    }
  }
  int written = 0;
  if (p + 1 < end.ptr) {
    const bool negative = p[1] == '-';
    std::from_chars(p + 2, end.ptr, written);
    exponent += negative ? -written : written;
  }
  auto number = static_cast<double>(digits);
  if (exponent < -308) {
    number /= 1e308;
    exponent += 308;
  }
  number = exponent < 0 ? number / power_of_ten(-exponent) : number * power_of_ten(exponent);
  return value < 0 ? -number : number;
}

Unigram::Unigram(Vocab vocab, std::vector<double> scores, Options options)
    : vocab_(std::move(vocab)), scores_(std::move(scores)), options_(options) {
  AXL_CHECK(static_cast<std::int64_t>(scores_.size()) == vocab_.end_id(), "one score an id");
  if (options_.unk_id && (*options_.unk_id < 0 || *options_.unk_id >= vocab_.end_id()))
    throw Error(ErrorCode::input, "'unk_id' is " + std::to_string(*options_.unk_id) +
                                      ", but the vocabulary has " +
                                      std::to_string(vocab_.end_id()) + " tokens");
  search_scores_ = scores_;
  if (options_.scores_from_json)
    for (double& score : search_scores_) score = as_read_from_json(score);
  double lowest = std::numeric_limits<double>::infinity();
  for (const double score : search_scores_) lowest = std::min(lowest, score);
  unknown_score_ = lowest - kUnknownPenalty;
  std::vector<PrefixTree::Entry> entries;
  entries.reserve(vocab_.size());
  for (std::int32_t id = 0; id < vocab_.end_id(); ++id) entries.push_back({vocab_.text(id), id});
  tree_ = PrefixTree(std::move(entries));
  fallback_ids_.fill(-1);
  if (options_.byte_fallback) fallback_ids_ = byte_token_ids(vocab_);
}

std::int32_t Unigram::unknown() const {
  if (!options_.unk_id)
    throw Error(ErrorCode::data,
                "a character has no token, and the tokenizer names no unknown token ('unk_id')");
  return *options_.unk_id;
}

/// Fills w.arrivals: for every byte the best last token that ends there.
void Unigram::search(std::string_view piece, Workspace& w) const {
  w.arrivals.assign(piece.size() + 1, {0, -1, -1});
  Workspace::Arrival* const arrivals = w.arrivals.data();
  const char* const end = piece.data() + piece.size();
  for (std::size_t at = 0; at < piece.size();) {
    const char* const p = piece.data() + at;
    const double here = arrivals[at].score;
    const std::uint32_t character = unicode::decode(p, end).bytes;
    bool single = false;  // a token spells exactly this character
    const auto offer = [&](std::int32_t id, std::uint32_t length, double score) {
      Workspace::Arrival& target = arrivals[at + length];
      if (target.begin < 0 || here + score > target.score)
        target = {here + score, id, static_cast<std::int32_t>(at)};
    };
    tree_.prefixes(p, end, [&](std::int32_t id, std::uint32_t length) {
      offer(id, length, search_scores_[static_cast<std::size_t>(id)]);
      single |= length == character;
    });
    if (!single) offer(unknown(), character, unknown_score_);
    at += character;
  }
}

void Unigram::put(std::string_view part, std::vector<TokenId>& out) const {
  const std::int32_t id = vocab_.find(part);
  if (id >= 0) {
    out.push_back(id);
  } else if (!options_.byte_fallback || !put_byte_tokens(part, fallback_ids_, out)) {
    out.push_back(unknown());
  }
}

void Unigram::encode(std::string_view piece, Workspace& w, std::vector<TokenId>& out) const {
  search(piece, w);
  w.parts.clear();
  bool joins = false;  // the part behind was unknown too
  for (std::size_t end = piece.size(); end > 0;) {
    const Workspace::Arrival& last = w.arrivals[end];
    const auto begin = static_cast<std::size_t>(last.begin);
    const bool is_unknown = options_.unk_id && last.id == *options_.unk_id;
    if (is_unknown && joins) {
      w.parts.back().text = {piece.data() + begin, w.parts.back().text.size() + (end - begin)};
    } else {
      w.parts.push_back({piece.substr(begin, end - begin), is_unknown ? -1 : last.id});
    }
    joins = is_unknown;
    end = begin;
  }
  for (auto part = w.parts.rbegin(); part != w.parts.rend(); ++part) {
    if (part->id >= 0) {
      out.push_back(part->id);
    } else {
      put(part->text, out);
    }
  }
}

std::uint64_t Unigram::fingerprint() const {
  const std::uint64_t seed = 0x756E69U + (options_.byte_fallback ? 1U : 0U) +
                             2U * static_cast<std::uint64_t>(options_.unk_id.value_or(-1) + 1);
  return hash_bytes(
      {reinterpret_cast<const char*>(scores_.data()), scores_.size() * sizeof(double)}, seed);
}

std::string Unigram::json() const {
  std::string out = "{\n    \"type\": \"Unigram\",\n    \"unk_id\": ";
  out += options_.unk_id ? std::to_string(*options_.unk_id) : "null";
  out += ",\n    \"vocab\": [";
  for (std::size_t id = 0; id < scores_.size(); ++id)
    out += (id == 0 ? "\n      [" : ",\n      [") +
           json_string(vocab_.text(static_cast<std::int32_t>(id))) + ", " +
           json_text(nlohmann::json(scores_[id])) + "]";
  return out + "\n    ],\n    \"byte_fallback\": " + model_json::truth(options_.byte_fallback) +
         "\n  }";
}

namespace {

std::unique_ptr<Model> read(const simdjson::dom::element& model, std::size_t file_size) {
  simdjson::dom::array entries;
  if (model["vocab"].get(entries) != simdjson::SUCCESS)
    throw Error(ErrorCode::input, "'vocab' must be a list of [token, score] pairs");
  Vocab vocab;
  vocab.reserve(file_size / 32, file_size / 4);
  std::vector<double> scores;
  for (const simdjson::dom::element entry : entries) {
    simdjson::dom::array pair;
    std::string_view token;
    double score = 0;
    if (entry.get(pair) != simdjson::SUCCESS || pair.size() != 2 ||
        pair.at(0).get(token) != simdjson::SUCCESS || pair.at(1).get(score) != simdjson::SUCCESS)
      throw Error(ErrorCode::input, "item " + std::to_string(scores.size()) +
                                        " of 'vocab' must be a [token, score] pair");
    vocab.append(token);
    scores.push_back(score);
  }
  Unigram::Options options;
  if (model_json::has(model, "unk_id")) {
    const std::int64_t id = model_json::integer_or(model, "unk_id", -1);
    options.unk_id = static_cast<std::int32_t>(std::clamp<std::int64_t>(id, -1, INT32_MAX));
  }
  options.byte_fallback = model_json::bool_or(model, "byte_fallback", false);
  return std::make_unique<Unigram>(std::move(vocab), std::move(scores), options);
}

}  // namespace

ModelSpec unigram_spec() { return {.name = "Unigram", .read = &read}; }

}  // namespace axl::tokenizer
