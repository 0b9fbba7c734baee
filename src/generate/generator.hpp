#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "generate/sampling.hpp"
#include "generate/sequence.hpp"

namespace axl::generate {

struct Request {
  std::vector<TokenId> prompt;
  std::int64_t max_new_tokens = 256;
  SamplingOptions sampling;
  std::vector<TokenId> stop_ids;  ///< generation ends before one of these
};

enum class Finish : std::uint8_t { stop_token, max_new_tokens, context_full, cancelled };

struct Answer {
  std::vector<TokenId> tokens;  ///< without the prompt and without the stop token
  Finish finish = Finish::stop_token;
  std::int64_t prompt_tokens = 0;
  std::int64_t reused_tokens = 0;  ///< of the prompt, already in the cache from an earlier request
  double prompt_seconds = 0, answer_seconds = 0;
};

/// Called for every new token, stop tokens excepted; `request` is its index. false: cancel it.
using OnToken = std::function<bool(std::size_t request, TokenId token)>;

/// Turns prompts into answers. Requests are independent of each other: an answer depends on its
/// request and its index alone. They run one after another; the beginning that a prompt shares with
/// the sequence before it is not computed again, so a conversation that grows by a turn costs that
/// turn.
class Generator {
 public:
  /// `context`: tokens of a prompt and its answer together, at most the model's
  /// max_position_embeddings (times the factor of linear and dynamic scaling, which has no limit
  /// when asked for more); 0: as many.
  Generator(model::Decoder& decoder, const kernels::KernelTable& kernels, kernels::Queue& queue,
            std::int64_t context = 0);
  /// Error{input} for a prompt that is empty or leaves no room for an answer.
  std::vector<Answer> generate(std::span<const Request> requests, const OnToken& on_token = {});
  std::int64_t context() const { return sequence_.capacity(); }

 private:
  Answer run(const Request& request, std::size_t index, const OnToken& on_token);
  Sequence sequence_;
};

}  // namespace axl::generate
