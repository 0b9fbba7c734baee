#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/models/vocab.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::tokenizer {

/// Scratch memory of one encode call; reused, so that encoding allocates nothing.
struct Workspace {
  /// A part of a piece in a linked list: BPE's merging of long pieces.
  struct Symbol {
    std::int32_t id;
    std::int32_t previous;
    std::int32_t next;
  };
  /// The best way to reach one byte of a piece: Unigram's Viterbi search.
  struct Arrival {
    double score;
    std::int32_t id;
    std::int32_t begin;  ///< -1: not reached yet
  };
  /// A token of that search, or text without one (-1).
  struct Part {
    std::string_view text;
    std::int32_t id;
  };
  std::vector<std::int32_t> ids;
  std::vector<std::uint32_t> ranks;
  std::vector<Symbol> symbols;
  std::vector<std::uint64_t> heap;
  std::vector<Arrival> arrivals;
  std::vector<Part> parts;
  std::string text;
};

/// The `model` of tokenizer.json: turns one pre-tokenized piece into ids. Every implementation
/// gives the ids of the `tokenizers` package. Immutable once the tokenizer is built, hence
/// thread-safe.
class Model {
 public:
  virtual ~Model() = default;

  /// Appends the ids of one piece, which is not empty. Error{data} when the piece cannot be spelled
  /// and the model has no token for what is unknown.
  virtual void encode(std::string_view piece, Workspace& w, std::vector<TokenId>& out) const = 0;
  virtual const Vocab& vocab() const = 0;
  /// Gives a token that no merge is made of another text.
  virtual void rename(TokenId id, std::string_view text) = 0;

  /// From now on pieces are raw bytes, each standing for its byte-level character. False when the
  /// model only takes the characters themselves.
  virtual bool use_bytes() { return false; }
  /// True when no token joins a character other than U+2581 with one that follows it: then a text
  /// may be cut before every such mark that begins a word, and the ids stay the same.
  virtual bool separable_at_word_marks() const { return false; }

  /// Hash of everything but the vocabulary that decides ids.
  virtual std::uint64_t fingerprint() const = 0;
  /// The "model" object of tokenizer.json.
  virtual std::string json() const = 0;
};

}  // namespace axl::tokenizer
