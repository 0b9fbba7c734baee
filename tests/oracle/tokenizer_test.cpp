// Every vector of <oracles>/tokenizer: ids, ids with special tokens, decoded text. Kinds of
// tokenizers that are not supported are reported by name.
#include "tokenizer/tokenizer.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.hpp"
#include "oracle/must_run.hpp"
#include "oracle/oracle_folder.hpp"

namespace axl::tokenizer {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// SmolLM2's tokenizer comes with the model, not with the oracles.
fs::path find_tokenizer(const fs::path& root, const std::string& name) {
  const fs::path file = root / "tokenizers" / name / "tokenizer.json";
  if (fs::exists(file)) return file;
  const char* model = std::getenv("AXL_SMOLLM2");
  if (name == "smollm2" && model != nullptr) return model;
  return {};
}

struct Tally {
  int cases = 0;
  int wrong = 0;
  std::string first;
  void note(bool good, const std::string& what) {
    ++cases;
    if (good) return;
    if (wrong++ == 0) first = what;
  }
};

/// Each list covers a first part of the strings: all, or as many as it has entries. Decoding starts
/// from the ids without special tokens.
Tally compare(const Tokenizer& t, const Json& strings, const Json& expected) {
  Tally tally;
  const auto covers = [&](const char* list, std::size_t i) {
    return expected.contains(list) && i < expected[list].size();
  };
  for (std::size_t i = 0; i < strings.size(); ++i) {
    const auto text = strings[i].get<std::string>();
    const std::string shown = Json(text).dump();
    const std::vector<TokenId> ids = t.encode(text, false);
    if (covers("ids", i)) tally.note(Json(ids) == expected["ids"][i], "ids of " + shown);
    if (covers("ids_with_special", i))
      tally.note(Json(t.encode(text, true)) == expected["ids_with_special"][i],
                 "ids with special tokens of " + shown);
    const auto known = expected["ids"][i].get<std::vector<TokenId>>();
    if (covers("decode", i))
      tally.note(Json(t.decode(known, false)) == expected["decode"][i],
                 "decoded " + shown + ": " + t.decode(known, false));
    if (covers("decode_skip_special", i))
      tally.note(Json(t.decode(known, true)) == expected["decode_skip_special"][i],
                 "decoded without special tokens " + shown);
  }
  return tally;
}

TEST(Oracle, Tokenizers) {
  const fs::path root = oracle::folder("tokenizer");
  if (!fs::exists(root / "strings.json")) GTEST_SKIP() << "no oracles at " << root;
  const Json strings = oracle::read_json(root / "strings.json");
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(root)) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() == ".json" && name != "strings" && name != "chat_templates" &&
        oracle::read_json(entry.path()).contains("ids"))
      names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  int compared = 0;
  for (const std::string& name : names) {
    const fs::path file = find_tokenizer(root, name);
    if (file.empty()) {
      EXPECT_FALSE(oracle::must_run("tokenizer", name)) << name;
      fmt::print("{:<24} skipped: no tokenizer file (smollm2: set AXL_SMOLLM2)\n", name);
      continue;
    }
    try {
      const Tokenizer t = Tokenizer::load(file.string());
      const Tally tally = compare(t, strings, oracle::read_json(root / (name + ".json")));
      fmt::print("{:<24} {} comparisons, {} differ\n", name, tally.cases, tally.wrong);
      EXPECT_EQ(tally.wrong, 0) << name << ", first: " << tally.first;
      ++compared;
    } catch (const Error& e) {
      const bool unsupported =
          e.message().find("is not supported") != std::string::npos && e.code() == ErrorCode::input;
      EXPECT_TRUE(unsupported) << name << ": " << e.what();
      EXPECT_FALSE(oracle::must_run("tokenizer", name)) << name;
      fmt::print("{:<24} skipped: {}\n", name, e.message());
    }
  }
  EXPECT_GT(compared, 0);
}

}  // namespace
}  // namespace axl::tokenizer
