#pragma once
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/regex.hpp"

namespace axl::tokenizer {

/// A text cut into pieces. Steps refine the spans; one that changes the text writes a new one into
/// `storage` and points `text` at it.
struct Pieces {
  std::string_view text;
  std::string storage;
  std::vector<Span> spans;
  std::vector<Span> scratch;
  bool at_start =
      true;  ///< the text begins where the user's text begins (no added token before it)
};

/// The `pre_tokenizer` of tokenizer.json. A ByteLevel as the last step (the usual place) does not
/// rewrite the text: byte_level_last() tells the model that its pieces are raw bytes.
class PreTokenizer {
 public:
  PreTokenizer() = default;
  /// `spec` is the component's JSON, null for none. Error{input} on an unknown type or bad field.
  explicit PreTokenizer(const nlohmann::ordered_json& spec);
  bool byte_level_last() const { return byte_level_last_; }
  /// For a model that takes no raw bytes: writes the byte-level characters after all.
  void spell_bytes();
  bool empty() const { return steps_.empty(); }
  /// `pieces` holds the text and one span over all of it. No empty piece comes out.
  void apply(Pieces& pieces) const;

 private:
  using Step = std::function<void(Pieces&)>;
  void flatten(const nlohmann::ordered_json& spec, int depth,
               std::vector<const nlohmann::ordered_json*>& out) const;
  void add(const nlohmann::ordered_json& spec, bool last);
  std::vector<Step> steps_;
  bool byte_level_last_ = false;
};

}  // namespace axl::tokenizer
