#include "generate/generator.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include "core/error.hpp"

namespace axl::generate {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

std::int64_t context_of(const model::Decoder& decoder, std::int64_t wanted) {
  const weights::ModelConfig& c = decoder.config();
  // Linear and dynamic scaling stretch the length that config.json states; the others' is
  // stretched.
  const bool stretched = c.rope.type == "linear" || c.rope.type == "dynamic";
  const double factor = stretched ? std::max(1.0, c.rope.factor) : 1.0;
  const auto limit = std::max<std::int64_t>(
      static_cast<std::int64_t>(factor * static_cast<double>(c.max_position_embeddings)), 1);
  if (wanted <= 0) return limit;
  return c.rope.type == "dynamic" ? wanted : std::min(wanted, limit);  // dynamic: any length
}

}  // namespace

Generator::Generator(model::Decoder& decoder, const kernels::KernelTable& kernels,
                     kernels::Queue& queue, std::int64_t context)
    : sequence_(decoder, kernels, queue, context_of(decoder, context)) {}

std::vector<Answer> Generator::generate(std::span<const Request> requests,
                                        const OnToken& on_token) {
  std::vector<Answer> out;
  for (std::size_t i = 0; i < requests.size(); ++i) out.push_back(run(requests[i], i, on_token));
  return out;
}

Answer Generator::run(const Request& request, std::size_t index, const OnToken& on_token) {
  const std::vector<TokenId>& prompt = request.prompt;
  const auto prompt_tokens = static_cast<std::int64_t>(prompt.size());
  if (prompt.empty()) throw Error(ErrorCode::input, "the prompt has no tokens");
  if (prompt_tokens >= context())
    throw Error(ErrorCode::input, "the prompt has " + std::to_string(prompt_tokens) +
                                      " tokens, the context has room for " +
                                      std::to_string(context()) + " with the answer")
        .hint("shorten the prompt");
  Sampler sampler(request.sampling);
  Answer answer;
  answer.prompt_tokens = prompt_tokens;

  const auto begin = Clock::now();
  const std::vector<TokenId>& cached = sequence_.tokens();
  const auto [differs, unused] =
      std::mismatch(cached.begin(), cached.end(), prompt.begin(), prompt.end());
  // The last token is always computed again, since its logits are what the answer starts from.
  answer.reused_tokens =
      sequence_.can_be_reused(prompt_tokens)
          ? std::min<std::int64_t>(std::distance(cached.begin(), differs), prompt_tokens - 1)
          : 0;
  sequence_.truncate(answer.reused_tokens);
  std::span<float> logits =
      sequence_.feed(std::span(prompt).subspan(static_cast<std::size_t>(answer.reused_tokens)));
  answer.prompt_seconds = seconds_since(begin);

  const auto answer_begin = Clock::now();
  std::vector<TokenId> history = prompt;
  for (std::int64_t n = 0;; ++n) {
    if (n >= request.max_new_tokens) {
      answer.finish = Finish::max_new_tokens;
      break;
    }
    const TokenId token = sampler.choose(logits, history, index, static_cast<std::uint64_t>(n));
    if (std::find(request.stop_ids.begin(), request.stop_ids.end(), token) !=
        request.stop_ids.end()) {
      answer.finish = Finish::stop_token;
      break;
    }
    answer.tokens.push_back(token);
    history.push_back(token);
    if (on_token && !on_token(index, token)) {
      answer.finish = Finish::cancelled;
      break;
    }
    if (sequence_.length() >= context()) {
      answer.finish = Finish::context_full;
      break;
    }
    if (n + 1 < request.max_new_tokens) logits = sequence_.feed(std::span(&token, 1));
  }
  answer.answer_seconds = seconds_since(answer_begin);
  return answer;
}

}  // namespace axl::generate
