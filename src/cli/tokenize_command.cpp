#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>

#include "cli/command.hpp"
#include "core/error.hpp"
#include "core/json.hpp"
#include "hub/snapshot.hpp"
#include "tokenizer/tokenizer.hpp"

namespace axl::cli {
namespace {

using tokenizer::TokenId;
using tokenizer::Tokenizer;

struct Options {
  std::string tokenizer;
  std::string format = "text";
  bool add_special_tokens = false;
  bool skip_special_tokens = false;
  bool decode = false;
};

[[noreturn]] void bad_line(int line, const std::string& message) {
  throw Error(ErrorCode::input, message).at({"standard input", line, 0, ""});
}

std::string read_text(const std::string& line, int number, bool json) {
  if (!json) return line;
  const auto value = try_parse_json<nlohmann::json>(line);
  if (!value.is_string()) bad_line(number, "expected one JSON string on the line");
  return value.get<std::string>();
}

/// Text lines hold ids with spaces or commas between; JSON lines hold one array.
std::vector<TokenId> read_ids(std::string line, int number, bool json) {
  if (!json) {
    for (char& c : line)
      if (c == ' ' || c == '\t') c = ',';
    line = "[" + line + "]";
  }
  const auto value = try_parse_json<nlohmann::json>(line);
  if (!value.is_array()) bad_line(number, "expected token ids on the line");
  std::vector<TokenId> ids;
  for (const auto& id : value) {
    if (!id.is_number_integer() || id.get<std::int64_t>() < 0 || id.get<std::int64_t>() > INT32_MAX)
      bad_line(number, "'" + json_text(id) + "' is not a token id");
    ids.push_back(id.get<TokenId>());
  }
  return ids;
}

void print_tokens(const Tokenizer& t, const std::vector<TokenId>& ids) {
  for (const TokenId id : ids)
    fmt::print("{:>8}  {}\n", id, json_string(t.decode(std::vector<TokenId>{id}, false)));
  fmt::print("{:>8}  tokens\n", ids.size());
}

int run(const Options& o) {
  const Tokenizer t = Tokenizer::load(hub::model_folder(o.tokenizer, hub::ModelPart::tokenizer));
  const bool json = o.format == "json";
  std::string line;
  std::vector<TokenId> ids;
  std::ios::sync_with_stdio(false);
  for (int number = 1; std::getline(std::cin, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (o.decode) {
      const std::string text = t.decode(read_ids(line, number, json), o.skip_special_tokens);
      fmt::print("{}\n", json ? json_string(text) : text);
      continue;
    }
    ids.clear();
    t.encode_to(read_text(line, number, json), o.add_special_tokens, ids);
    if (json) {
      fmt::print("[{}]\n", fmt::join(ids, ", "));
    } else {
      print_tokens(t, ids);
    }
  }
  if (std::fflush(stdout) != 0) throw Error(ErrorCode::io, "cannot write to standard output");
  return kExitDone;
}

void define(CommandLine& command, std::function<int()>& action) {
  auto options = std::make_shared<Options>();
  command
      .add_option("--tokenizer", options->tokenizer,
                  "A model folder, a tokenizer.json or a GGUF file")
      .required()
      .value_name("PATH");
  command
      .add_option("--format", options->format,
                  "text: plain lines in, a table out; json: one JSON string a line in, one JSON "
                  "array of ids a line out")
      .one_of({"text", "json"});
  command.add_flag("--add-special-tokens", options->add_special_tokens,
                   "Add what the tokenizer puts around a text, such as <s>");
  command.add_flag("--decode", options->decode, "Turn ids into text instead");
  command.add_flag("--skip-special-tokens", options->skip_special_tokens,
                   "With --decode: leave special tokens out");
  command.footer(
      "Examples:\n"
      "  echo 'Hello, world!' | axolotl-hpc tokenize --tokenizer models/smollm2\n"
      "  echo '\"Hello\"' | axolotl-hpc tokenize --tokenizer model.gguf --format json\n"
      "  echo '[19556, 28]' | axolotl-hpc tokenize --tokenizer model.gguf --format json --decode");
  action = [options] { return run(*options); };
}

}  // namespace

CommandSpec tokenize_command() {
  return {.name = "tokenize",
          .summary = "Turn text into token ids, or ids into text",
          .define = &define};
}

}  // namespace axl::cli
