// Rows of rl: dpo as they are trained on: as TRL's DPOTrainer tokenises them (1.16; 1.9, which
// Axolotl 0.19 has, differs where a token spans the end of the prompt), after Axolotl's rule about
// rows that are too long.
#include <algorithm>
#include <memory>
#include <utility>

#include "data/preference.hpp"

namespace axl::data {
namespace {

using Ids = std::vector<TokenId>;

std::int64_t token_count(const tokenizer::Tokenizer& tokenizer, const std::string& text) {
  return static_cast<std::int64_t>(tokenizer.encode(text, false).size());
}

class PairConverter {
 public:
  PairConverter(const FormatContext& c)
      : read_(make_comparison_reader(c.dataset, c.config, c.tokenizer, c.warnings)),
        tokenizer_(c.tokenizer),
        sequence_len_(c.sequence_len),
        strategy_(c.config.excess_length_strategy),
        eos_(c.tokenizer.token_text("eos_token")),
        bos_(c.tokenizer.bos_id()) {
    if (eos_.empty())
      throw Error(ErrorCode::config,
                  "answers of preference rows end with an EOS token, and the "
                  "tokenizer has none")
          .at(c.dataset.where)
          .hint("special_tokens: {eos_token: ...}");
  }

  void operator()(const Row& row, std::vector<Sample>& out) const {
    Comparison pair = read_(row);
    Sample sample;
    sample.pair = true;
    ComparisonLengths lengths;
    const Fit fit = fit_comparison(pair, tokenizer_, sequence_len_, strategy_, lengths);
    sample.lost_tokens = lengths.lost;
    if (fit == Fit::too_long) {
      sample.too_long = lengths.longest();
      out.push_back(std::move(sample));
      return;
    }
    const Ids prompt = encode(pair.prompt);
    Ids chosen = encode(pair.prompt + closed(pair.chosen)),
        rejected = encode(pair.prompt + closed(pair.rejected));
    // A token may span the end of the prompt: what all three begin with is the prompt.
    const std::size_t shared = std::min(common(prompt, chosen), common(prompt, rejected));
    if (shared == 0) throw RowError{"the prompt is empty"};
    cut(chosen, sample);
    cut(rejected, sample);
    if (chosen.size() <= shared || rejected.size() <= shared) {
      sample.too_long = static_cast<std::int64_t>(shared) + 1;
      out.push_back(std::move(sample));
      return;
    }
    for (const Ids* ids : {&chosen, &rejected}) {
      sample.input_ids.insert(sample.input_ids.end(), ids->begin(), ids->end());
      sample.labels.insert(sample.labels.end(), shared, kIgnore);
      sample.labels.insert(sample.labels.end(), ids->begin() + static_cast<std::ptrdiff_t>(shared),
                           ids->end());
    }
    out.push_back(std::move(sample));
  }

 private:
  std::string closed(const std::string& answer) const {
    return answer.ends_with(eos_) ? answer : answer + eos_;
  }

  /// With what the tokenizer puts around a text; a BOS of the text's own is not doubled.
  Ids encode(const std::string& text) const {
    Ids ids = tokenizer_.encode(text, true);
    if (bos_ && ids.size() > 1 && ids[0] == *bos_ && ids[1] == *bos_) ids.erase(ids.begin());
    return ids;
  }

  static std::size_t common(const Ids& a, const Ids& b) {
    const std::size_t n = std::min(a.size(), b.size());
    return static_cast<std::size_t>(
        std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(n), b.begin()).first -
        a.begin());
  }

  void cut(Ids& ids, Sample& sample) const {
    const auto most = static_cast<std::size_t>(sequence_len_);
    if (ids.size() <= most) return;
    sample.lost_tokens += static_cast<std::int64_t>(ids.size() - most);
    ids.resize(most);
  }

  ComparisonReader read_;
  const tokenizer::Tokenizer& tokenizer_;
  std::int64_t sequence_len_;
  std::string strategy_, eos_;
  std::optional<TokenId> bos_;
};

}  // namespace

Fit fit_comparison(Comparison& row, const tokenizer::Tokenizer& tokenizer,
                   std::int64_t sequence_len, const std::string& strategy,
                   ComparisonLengths& lengths) {
  lengths = {token_count(tokenizer, row.prompt), token_count(tokenizer, row.chosen),
             token_count(tokenizer, row.rejected), 0};
  if (lengths.longest() <= sequence_len) return Fit::fits;
  // Answers can be cut, a prompt without room for an answer cannot.
  if (strategy != "truncate" || lengths.prompt >= sequence_len) return Fit::too_long;
  const std::int64_t room = sequence_len - lengths.prompt;
  for (const auto& [text, tokens] :
       {std::pair{&row.chosen, &lengths.chosen}, std::pair{&row.rejected, &lengths.rejected}}) {
    if (*tokens <= room) continue;
    Ids ids = tokenizer.encode(*text, false);
    lengths.lost += *tokens - room;
    ids.resize(static_cast<std::size_t>(room));
    *text = tokenizer.decode(ids, false);
    *tokens = room;
  }
  return Fit::cut;
}

RowConverter make_pair_converter(const FormatContext& context) {
  return [converter = std::make_shared<const PairConverter>(context)](
             const Row& row, std::vector<Sample>& out) { (*converter)(row, out); };
}

std::size_t second_document(std::span<const TokenId> labels) {
  const auto trained = [](TokenId label) { return label != kIgnore; };
  const auto first = std::find_if(labels.begin(), labels.end(), trained);
  return static_cast<std::size_t>(std::find_if_not(first, labels.end(), trained) - labels.begin());
}

}  // namespace axl::data
