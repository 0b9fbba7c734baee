#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "core/json.hpp"

// The real program, as a script calls it: exit codes, one message, which stream.
namespace axl::cli {
namespace {

namespace fs = std::filesystem;

struct Outcome {
  int code = -1;
  std::string out;
};

/// Runs AXL_PROGRAM in `folder`; `redirect` picks the stream that is kept.
Outcome run(const std::string& arguments, const std::string& redirect = "2>&1",
            const std::string& environment = "") {
  Outcome o;
  const std::string command = "cd '" + testing::TempDir() + "' && " + environment +
                              " '" AXL_PROGRAM "' " + arguments + " " + redirect;
  std::FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return o;
  std::array<char, 4096> part;
  while (const std::size_t n = std::fread(part.data(), 1, part.size(), pipe))
    o.out.append(part.data(), n);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) o.code = WEXITSTATUS(status);
  return o;
}

std::string put(const std::string& name, const std::string& text) {
  const std::string path = (fs::path(testing::TempDir()) / name).string();
  std::ofstream(path) << text;
  return path;
}

const std::string kGood =
    "base_model: m\nlearning_rate: 1e-4\nmicro_batch_size: 1\ngradient_accumulation_steps: 1\n"
    "datasets:\n  - path: d.jsonl\n    type: alpaca\n";

TEST(Program, HelpAndVersionGoToStandardOutput) {
  const Outcome help = run("--help", "2>/dev/null");
  EXPECT_EQ(help.code, 0);
  EXPECT_NE(help.out.find("validate"), std::string::npos);
  EXPECT_EQ(run("help", "2>/dev/null").out, help.out);
  EXPECT_EQ(run("", "2>/dev/null").code, 2);
  EXPECT_EQ(run("--version").code, 0);
  const auto version = axl::parse_json<nlohmann::json>(run("version --json", "2>/dev/null").out);
  EXPECT_TRUE(version["libraries"].contains("MPI"));
  EXPECT_TRUE(version.contains("commit"));
  for (const char* command : {"validate", "schema", "init", "doctor", "version"}) {
    const Outcome one = run(std::string(command) + " --help", "2>/dev/null");
    EXPECT_EQ(one.code, 0) << command;
    EXPECT_NE(one.out.find("Usage:"), std::string::npos) << command;
    EXPECT_EQ(run("help " + std::string(command), "2>/dev/null").out, one.out);
  }
}

TEST(Program, MisspeltCommandsAndOptions) {
  const Outcome command = run("valdiate a.yaml");
  EXPECT_EQ(command.code, 2);
  EXPECT_EQ(
      command.out,
      "error: no command and no file 'valdiate'\n  hint: did you mean 'axolotl-hpc validate'?\n");
  const Outcome option = run("version --jsn");
  EXPECT_EQ(option.code, 2);
  EXPECT_NE(option.out.find("did you mean '--json'?"), std::string::npos);
  EXPECT_EQ(run("validate").code, 2);
  EXPECT_EQ(run("validate a b").code, 2);
  EXPECT_EQ(run("validate --format xml a.yaml").code, 2);
}

TEST(Program, ErrorsAreOneMessageOnStandardError) {
  const Outcome o = run("init no-such-preset", "2>&1 >/dev/null");
  EXPECT_EQ(o.code, 2);
  EXPECT_TRUE(o.out.starts_with("error: no preset 'no-such-preset'")) << o.out;
  EXPECT_EQ(run("init no-such-preset", "2>/dev/null").out, "");
  EXPECT_EQ(run("init no-such-preset", "2>&1", "OMPI_COMM_WORLD_RANK=1").out, "")
      << "rank 0 speaks for all";
}

TEST(Program, ValidateTellsAcceptAndReject) {
  const std::string good = put("good.yaml", kGood);
  EXPECT_EQ(run("validate " + good).code, 0);
  EXPECT_EQ(run("validate --check-files " + good).code, 2) << "d.jsonl is not there";
  EXPECT_EQ(run("validate " + good + " --learning-rate 5e-5").code, 0);
  EXPECT_EQ(run("validate " + good + " --learning-rate fast").code, 2);
  EXPECT_EQ(run("validate nowhere.yaml").code, 2);
  const std::string unknown = put("unknown.yaml", kGood + "lerning_rate: 3\n");
  EXPECT_EQ(run("validate " + unknown).code, 0);
  EXPECT_EQ(run("validate --strict " + unknown).code, 2);
}

TEST(Program, ValidateKnowsWhichFamiliesThereAre) {
  fs::create_directories(fs::path(testing::TempDir()) / "m");
  const std::string yaml = put("family.yaml", kGood);
  for (const char* config : {R"({"model_type": "mamba"})",
                             R"({"architectures": ["MambaForCausalLM"], "model_type": "mamba"})"}) {
    put("m/config.json", config);
    const Outcome o = run("validate --format json " + yaml, "2>/dev/null");
    EXPECT_EQ(o.code, 0) << "valid for Axolotl";
    const auto found = axl::parse_json<nlohmann::json>(o.out).at("unsupported");
    ASSERT_EQ(found.size(), 1U) << o.out;
    EXPECT_EQ(found[0].at("key"), "base_model");
    EXPECT_EQ(found[0].at("line"), 1);
    EXPECT_NE(found[0].at("message").get<std::string>().find("unsupported model family"),
              std::string::npos);
  }
  put("m/config.json", "{broken");
  EXPECT_EQ(run("validate " + yaml).code, 0);
  EXPECT_NE(run("validate " + yaml).out.find("warning"), std::string::npos);
  fs::remove_all(fs::path(testing::TempDir()) / "m");
}

TEST(Program, ValidateJsonHasTheFixedShape) {
  const std::string bad = put("bad.yaml", kGood + "seed: -1\nlerning_rate: 3\ntf32: true\n");
  const Outcome o = run("validate --format json " + bad, "2>/dev/null");
  EXPECT_EQ(o.code, 2);
  const auto j = axl::parse_json<nlohmann::json>(o.out);
  ASSERT_EQ(j.size(), 6u);
  EXPECT_EQ(j["status"], "reject");
  const auto& e = j["errors"][0];
  EXPECT_EQ(e["file"], bad);
  EXPECT_EQ(e["line"], 8);
  EXPECT_EQ(e["column"], 7);
  EXPECT_EQ(e["key"], "seed");
  EXPECT_EQ(e["message"], "must be an integer, at least 0; got '-1'");
  EXPECT_TRUE(e.contains("hint"));
  EXPECT_EQ(j["ignored"], nlohmann::json::array({"lerning_rate"}));
  EXPECT_EQ(j["effective"]["learning_rate"], 1e-4);
  const auto missing = axl::parse_json<nlohmann::json>(
      run("validate --format json nowhere.yaml", "2>/dev/null").out);
  EXPECT_EQ(missing["status"], "reject");
}

TEST(Program, WhatCannotBeTrainedYetIsValidAndRefusedByTrainAndPlan) {
  const std::string file =
      put("later.yaml", kGood + "rl: kto\nremove_unused_columns: false\nreinit_weights: true\n");
  const Outcome valid = run("validate --format json " + file, "2>/dev/null");
  EXPECT_EQ(valid.code, 0);
  const auto j = axl::parse_json<nlohmann::json>(valid.out);
  EXPECT_EQ(j["status"], "accept");
  ASSERT_EQ(j["unsupported"].size(), 2u);
  EXPECT_EQ(j["unsupported"][0]["key"], "rl");
  EXPECT_EQ(j["effective"]["rl"], "kto");
  EXPECT_NE(run("validate " + file)
                .out.find("valid Axolotl configuration; this version cannot train it yet:"),
            std::string::npos);
  for (const std::string command : {"train ", "plan ", ""}) {
    const Outcome o = run(command + file);
    EXPECT_EQ(o.code, 2) << command;
    for (const auto& finding : j["unsupported"])
      EXPECT_NE(o.out.find(finding["message"].get<std::string>()), std::string::npos) << command;
  }
}

TEST(Program, SchemaAndInitWriteWhatTheySay) {
  EXPECT_NO_THROW(axl::parse_json<nlohmann::json>(run("schema", "2>/dev/null").out));
  EXPECT_TRUE(run("schema --markdown", "2>/dev/null").out.starts_with("# Configuration"));
  const std::string file = (fs::path(testing::TempDir()) / "init.yaml").string();
  fs::remove(file);
  EXPECT_EQ(run("init smollm2-lora -o " + file).code, 0);
  EXPECT_EQ(run("validate --strict " + file).code, 0);
  EXPECT_EQ(run("init smollm2-lora -o " + file).code, 2) << "is not overwritten";
  EXPECT_EQ(run("init llama-2-full --force -o " + file).code, 0);
  EXPECT_NE(run("init", "2>/dev/null").out.find("llama-3 "), std::string::npos);
  EXPECT_EQ(run("init gemma-2 --mode qlora --force -o " + file).code, 0);
  EXPECT_EQ(run("validate --strict " + file).code, 0);
  EXPECT_NE(run("init lama-3").out.find("did you mean 'llama-3'?"), std::string::npos);
  EXPECT_EQ(run("init llama-3 --mode dora").code, 2);
  EXPECT_EQ(run("init smollm2-lora -o /nowhere/at/all.yaml").code, 2);
}

TEST(Program, AFullStandardOutputIsAFailure) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "/dev/full is not there";
  const Outcome o = run("schema", "2>&1 >/dev/full");
  EXPECT_EQ(o.code, 1);
  EXPECT_NE(o.out.find("No space left"), std::string::npos);
}

TEST(Program, DoctorSpeaksJson) {
  const auto checks =
      axl::parse_json<nlohmann::json>(run("doctor --json --scratch .", "2>/dev/null").out);
  std::vector<std::string> names;
  for (const auto& c : checks) names.push_back(c["name"]);
  for (const char* name : {"processor", "bf16", "cores", "threads", "memory", "GPU", "MPI", "HDF5",
                           "shared memory", "disk", "scratch"})
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
}

}  // namespace
}  // namespace axl::cli
