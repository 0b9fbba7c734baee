#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <thread>

#include "cli/command.hpp"
#include "cli/overrides.hpp"
#include "config/config.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "data/prepare.hpp"
#include "device/session.hpp"
#include "generate/conversation.hpp"
#include "generate/loaded_model.hpp"
#include "generate/model_source.hpp"
#include "hub/snapshot.hpp"
#include "train/session.hpp"

namespace axl::cli {
namespace {

struct Options {
  std::string source, adapter, prompt, system, dtype;
  bool has_prompt = false, chat = false, raw = false, no_adapter = false;
  std::int64_t max_new_tokens = 256;
  generate::SamplingOptions sampling{.temperature = 0.7, .top_k = 40, .top_p = 0.95};
};

/// Everything that answering needs to know, from a YAML or from a model alone.
struct Task {
  generate::ModelSource source;
  std::string dtype = "f32";
  std::map<std::string, std::string> template_variables;
  std::vector<std::string> eot_tokens;
  std::optional<tokenizer::Tokenizer> tokenizer;
  std::optional<quant::FourBitOptions> four_bit;  ///< of the base that was trained over
};

std::atomic<bool> interrupted{false};

/// The first Ctrl-C ends the answer, a second one the program.
extern "C" void on_interrupt(int) {
  interrupted = true;
  std::signal(SIGINT, SIG_DFL);
}

int threads() {
  if (const char* text = std::getenv("OMP_NUM_THREADS")) {
    const int n = std::atoi(text);
    if (n > 0) return n;
  }
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

/// The configuration, without asking for the files that only training reads.
config::Config load_config(const Options& o, const Overrides& overrides) {
  config::LoadOptions load_options;
  load_options.overrides = overrides;
  config::LoadResult result = config::load(o.source, load_options);
  if (!result.trainable()) return config::load_or_throw(o.source, load_options);
  return std::move(result.config);
}

Task make_task(const Options& o, const Overrides& overrides) {
  const generate::SourceKind kind = generate::kind_of_source(o.source);
  Task task;
  if (kind == generate::SourceKind::config) {
    const config::Config config = load_config(o, overrides);
    task.source = generate::source_of_config(config, o.adapter.empty() && !o.no_adapter);
    task.dtype = config.dtype;
    if (task.source.model == config.model_source()) task.four_bit = train::four_bit_options(config);
    task.template_variables = config.chat_template_kwargs;
    task.eot_tokens = config.eot_tokens;
    task.tokenizer.emplace(data::load_tokenizer(config));
  } else {
    if (!overrides.empty())
      throw Error(ErrorCode::config, fmt::format("unknown option '--{}'", overrides.front().first))
          .hint("keys of a configuration can be given with a YAML file only");
    task.source = kind == generate::SourceKind::adapter
                      ? generate::source_of_adapter(o.source)
                      : generate::source_of_model(o.source, o.no_adapter ? "" : o.adapter);
    task.tokenizer.emplace(tokenizer::Tokenizer::load(
        hub::model_folder(task.source.tokenizer, hub::ModelPart::tokenizer)));
  }
  if (!o.adapter.empty()) task.source.adapter = o.adapter;
  if (o.no_adapter) task.source.adapter.clear();
  if (!o.dtype.empty()) task.dtype = o.dtype;
  return task;
}

void tell_speed(const generate::Conversation& conversation) {
  const generate::Answer& a = conversation.last();
  const auto made = static_cast<double>(a.tokens.size());
  log::info("{} prompt tokens in {:.2f} s, {} new tokens in {:.2f} s ({:.1f} tokens/s){}",
            a.prompt_tokens - a.reused_tokens, a.prompt_seconds, a.tokens.size(), a.answer_seconds,
            a.answer_seconds > 0 ? made / a.answer_seconds : 0.0,
            a.finish == generate::Finish::max_new_tokens ? ", ended by --max-new-tokens"
            : a.finish == generate::Finish::context_full ? ", ended by the model's context"
                                                         : "");
}

void answer(generate::Conversation& conversation, const std::string& text) {
  interrupted = false;
  auto* before = std::signal(SIGINT, on_interrupt);
  conversation.say(text, [](std::string_view piece) {
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    std::fflush(stdout);
    return !interrupted;
  });
  std::signal(SIGINT, before);
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

void chat(generate::Conversation& conversation) {
  const bool terminal = ::isatty(STDIN_FILENO) != 0;
  if (terminal)
    log::info("Chat: /reset forgets the conversation, /exit or Ctrl-D ends it, Ctrl-C an answer.");
  std::int64_t forgotten = 0;
  for (std::string line;;) {
    if (terminal) std::fputs("\n> ", stderr);
    if (!std::getline(std::cin, line) || line == "/exit" || line == "/quit") break;
    if (line.empty()) continue;
    if (line == "/reset") {
      conversation.reset();
      continue;
    }
    answer(conversation, line);
    if (conversation.forgotten_turns() > forgotten)
      log::info("(the context is full: {} of the oldest turns are forgotten)",
                conversation.forgotten_turns() -
                    std::exchange(forgotten, conversation.forgotten_turns()));
  }
  if (terminal) std::fputc('\n', stderr);
}

int inference(Options o, const Overrides& overrides) {
  generate::check(o.sampling);
  Task task = make_task(o, overrides);
  const bool chats = o.chat || (!o.has_prompt && ::isatty(STDIN_FILENO) != 0);
  if (!chats && !o.has_prompt) {
    o.prompt.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
    if (o.prompt.ends_with('\n')) o.prompt.pop_back();  // echo's, not the user's
  }

  device::KokkosSession kokkos(threads());
  generate::LoadedModel model(task.source.model, task.source.adapter,
                              task.dtype == "bf16" ? DType::bf16 : DType::f32, kokkos.queue(),
                              task.four_bit);
  const std::string text = o.raw ? "" : task.tokenizer->chat_template();
  log::info("{}{}{}, {}, {}", task.source.model, task.four_bit ? " in 4 bits" : "",
            task.source.adapter.empty() ? "" : " with the adapter " + task.source.adapter,
            task.dtype, text.empty() ? "the prompt as it is" : "chat template");
  for (const std::string& note : task.source.notes) log::info("note: {}", note);
  if (text.empty() && !o.system.empty())
    log::warning("--system is ignored: there is no chat template to put it into");

  generate::Generator generator(model.decoder(), model.kernels(), kokkos.queue());
  generate::Conversation conversation(
      *task.tokenizer, generator,
      {.chat_template = text,
       .template_variables = task.template_variables,
       .system = o.system,
       .max_new_tokens = o.max_new_tokens,
       .sampling = o.sampling,
       .stop_ids = generate::stop_tokens(model.config().eos_token_id, *task.tokenizer, text,
                                         task.eot_tokens)});
  if (chats) {
    chat(conversation);
  } else {
    answer(conversation, o.prompt);
    tell_speed(conversation);
  }
  return kExitDone;
}

void define(CommandLine& command, std::function<int()>& action) {
  auto o = std::make_shared<Options>();
  command
      .add_option("SOURCE", o->source,
                  "A configuration (YAML), a model folder, a GGUF file or an adapter folder")
      .required()
      .value_name("CONFIG|MODEL");
  Option adapter = command.add_option(
      "--adapter", o->adapter, "Adapter folder (default: the one in a configuration's output_dir)");
  adapter.value_name("DIR");
  command.add_flag("--no-adapter", o->no_adapter, "The base model alone").excludes(adapter);
  Option prompt =
      command.add_option("--prompt", o->prompt, "Answer this and end (default: standard input)");
  prompt.value_name("TEXT");
  command.add_flag("--chat", o->chat, "Talk, a line a turn").excludes(prompt);
  command.add_option("--system", o->system, "System message").value_name("TEXT");
  command.add_flag("--raw", o->raw, "No chat template: go on with the prompt as it is");
  command.add_option("--max-new-tokens", o->max_new_tokens, "Longest answer, in tokens")
      .between(std::int64_t{1}, std::int64_t{1} << 30)
      .value_name("N");
  Option greedy =
      command.add_flag("--greedy", o->sampling.greedy, "Always the most probable token");
  command
      .add_option("--temperature", o->sampling.temperature, "Below 1 bolder towards the probable")
      .excludes(greedy)
      .value_name("T");
  command.add_option("--top-p", o->sampling.top_p, "Only the most probable tokens of this share")
      .value_name("P");
  command.add_option("--top-k", o->sampling.top_k, "Only this many most probable tokens; 0: all")
      .value_name("K");
  command
      .add_option("--repetition-penalty", o->sampling.repetition_penalty,
                  "Above 1: tokens that were there already become less probable")
      .value_name("X");
  command.add_option("--seed", o->sampling.seed, "Of the random choices").value_name("S");
  command.add_option("--dtype", o->dtype, "f32 or bf16 (default: the configuration's, else f32)")
      .one_of({"f32", "bf16"})
      .value_name("f32|bf16");
  command.allow_overrides();
  command.footer(
      "Examples:\n"
      "  axolotl-hpc inference run.yaml --prompt \"What is a rank?\"\n"
      "  axolotl-hpc inference models/SmolLM2-135M-Instruct --chat --system \"Be brief.\"\n"
      "  axolotl-hpc inference model.gguf --adapter out --prompt \"Once\" --raw --greedy");
  action = [o, prompt, &command] {
    o->has_prompt = prompt.given();
    return inference(*o, command.overrides());
  };
}

}  // namespace

CommandSpec inference_command() {
  return {.name = "inference",
          .summary = "Ask a model, with or without an adapter: one prompt or a chat",
          .define = &define};
}

}  // namespace axl::cli
