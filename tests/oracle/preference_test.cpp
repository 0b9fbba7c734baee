// Preference training: rows as Axolotl and TRL tokenise them (dataset/preference.json), and losses,
// rewards and gradients as TRL computes them (preference/NAME).
#include "data/preference.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>
#include <cstdio>
#include <fstream>

#include "data/prepare.hpp"
#include "model/load_adapter.hpp"
#include "oracle/model_case.hpp"
#include "oracle/oracle_folder.hpp"
#include "support/paths.hpp"
#include "support/temporary_folder.hpp"
#include "task/task.hpp"

namespace axl::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// Losses by name that must be computed; what TRL calls label smoothing has no effect on its
/// sigmoid loss (`dpo_sigmoid_smoothing`), here it makes the loss conservative (`dpo_cdpo`).
Json read_ordered(const fs::path& path) {
  std::ifstream in(path);
  return parse_json<Json>(in);
}

struct LossCase {
  const char* name;
  bool smoothing = true;
};
constexpr LossCase kLosses[] = {{"dpo_sigmoid"},
                                {"dpo_sigmoid_beta0.5"},
                                {"dpo_sigmoid_smoothing", false},
                                {"dpo_cdpo"},
                                {"dpo_truncated"}};

/// The rows of an oracle as documents, chosen and rejected by turns.
struct Pairs {
  std::vector<std::int32_t> ids, targets, positions, cu{0};
  Pairs(const Json& rows, std::size_t longest) {
    for (const Json& row : rows)
      for (const char* answer : {"chosen_ids", "rejected_ids"}) {
        auto document = row.at("prompt_ids").get<std::vector<std::int32_t>>();
        const std::size_t prompt = document.size();
        const auto rest = row.at(answer).get<std::vector<std::int32_t>>();
        document.insert(document.end(), rest.begin(), rest.end());
        document.resize(std::min(document.size(), longest));
        for (std::size_t i = 0; i < document.size(); ++i) {
          ids.push_back(document[i]);
          positions.push_back(static_cast<std::int32_t>(i));
          targets.push_back(i + 1 < document.size() && i + 1 >= prompt ? document[i + 1] : -100);
        }
        cu.push_back(static_cast<std::int32_t>(ids.size()));
      }
  }
  model::Batch batch() const {
    return {.ids = ids, .targets = targets, .positions = positions, .cu_seqlens = cu};
  }
};

/// Largest relative difference of the gradient norms that were recorded.
double worst_norm(ModelCase& m, const Json& expected) {
  double worst = 0;
  EXPECT_EQ(expected.size(), m.decoder->parameters().all().size());
  for (const auto& [name, value] : expected.items()) {
    const tensor::Parameter* p = m.decoder->parameters().find(name);
    if (p == nullptr) {
      ADD_FAILURE() << "no parameter " << name;
      continue;
    }
    worst =
        std::max(worst, relative(norm(p->grad.as<float>(), p->elements()), value.get<double>()));
  }
  return worst;
}

void run_case(const LossCase& c, const std::string& mode) {
  const fs::path folder = fs::path(oracle_root()) / "preference" / c.name;
  const auto expected = read_ordered(folder / "oracle.json");
  const Json& wanted = expected.at(mode);
  const Json& settings = expected.at("settings");
  const std::string model = (fs::path(oracle_root()) / expected.at("model")).string();
  const Pairs pairs(expected.at("rows"), settings.value("max_length", std::size_t{1000}));
  model::DecoderOptions options{.compute = DType::f32};
  std::optional<adapter::AdapterFiles> files;
  if (mode == "lora") {
    files.emplace(
        adapter::AdapterFiles::open((fs::path(oracle_root()) / expected.at("adapter")).string()));
    options.training.lora = files->config();
  } else {
    options.training.full = true;
  }
  ModelCase m(model, "config.json", options);
  std::optional<ModelCase> reference;
  ops::Context ctx = m.bench.context();
  if (files)
    model::load_adapter(ctx, *m.decoder, *files);
  else
    reference.emplace((fs::path(oracle_root()) / expected.at("reference").at("full")).string(),
                      "config.json", model::DecoderOptions{.compute = DType::f32});
  const auto task = task::tasks().get("dpo").make(
      {.beta = settings.at("beta").get<double>(),
       .label_smoothing = c.smoothing ? settings.value("label_smoothing", 0.0) : 0.0,
       .reference = reference ? reference->decoder.get() : nullptr});
  std::vector<double> sums(task->metrics().size(), 0.0), again = sums;
  m.decoder->parameters().zero_grad();
  const double pairs_in_batch = static_cast<double>(expected.at("rows").size());
  const double loss =
      task->train(ctx, *m.decoder, pairs.batch(), 1.0 / pairs_in_batch, {}, sums) / pairs_in_batch;
  const double measured = task->evaluate(ctx, *m.decoder, pairs.batch(), again) / pairs_in_batch;
  const std::string label = std::string(c.name) + " " + mode;
  EXPECT_NEAR(loss, wanted.at("loss").get<double>(), 2e-6) << label;
  EXPECT_NEAR(measured, loss, 1e-9) << label;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    EXPECT_NEAR(again[i], sums[i], 1e-9) << label;
    const std::string metric(task->metrics()[i]);
    if (!wanted.at("metrics").contains(metric)) continue;  // of a formula, not of TRL
    const double recorded = wanted.at("metrics").at(metric).get<double>();
    EXPECT_NEAR(sums[i] / pairs_in_batch, recorded, 1e-5 * std::max(1.0, std::abs(recorded)))
        << label << ": " << metric;
  }
  const double gradients = worst_norm(m, wanted.at("grad_norm"));
  EXPECT_LE(gradients, 1e-4) << label;
  std::printf("%-28s loss %.1e gradient norms %.1e\n", label.c_str(),
              std::abs(loss - wanted.at("loss").get<double>()), gradients);
}

TEST(Oracle, DpoLosses) {
  if (!fs::exists(fs::path(oracle_root()) / "preference")) {
    std::printf("no oracles found\n");
    GTEST_SKIP();
  }
  for (const LossCase& c : kLosses)
    for (const char* mode : {"full", "lora"}) run_case(c, mode);
}

std::string smollm2() {
  const char* named = std::getenv("AXL_SMOLLM2");
  const fs::path path = named != nullptr && *named != '\0'
                            ? fs::path(named)
                            : fs::path(source_dir()) / "models/SmolLM2-135M-Instruct";
  return fs::exists(path) ? path.string() : "";
}

Json with_roles(const Json& turn) {
  const auto from = turn.at("from").get<std::string>();
  return {{"role", from == "human" ? "user"
                   : from == "gpt" ? "assistant"
                                   : from},
          {"content", turn.at("value")}};
}

/// A row of dpo_en_demo.json with the columns that a case says.
Json as_columns(const Json& row, const std::string& columns) {
  Json messages = Json::array(), out;
  std::string system, question;
  for (const Json& turn : row.at("conversations")) {
    messages.push_back(with_roles(turn));
    if (turn.at("from") == "system") system = turn.at("value");
    if (turn.at("from") == "human") question = turn.at("value");
  }
  if (columns.starts_with("conversations as messages"))
    return {{"messages", messages},
            {"chosen", with_roles(row.at("chosen"))},
            {"rejected", with_roles(row.at("rejected"))}};
  for (const char* answer : {"chosen", "rejected"}) {
    if (columns.starts_with("chosen, rejected: the whole")) {
      out[answer] = messages;
      out[answer].push_back(with_roles(row.at(answer)));
    } else {
      out[answer] = row.at(answer).at("value");
    }
  }
  if (out.at("chosen").is_array()) return out;
  if (!system.empty()) out["system"] = system;
  for (const char* name : {"input", "question", "instruction", "prompt"})
    if (columns.find(std::string("; ") + name + ": last") != std::string::npos)
      out[name] = question;
  return out;
}

TEST(Oracle, DpoRows) {
  const fs::path recorded = fs::path(oracle_root()) / "dataset/preference.json";
  const fs::path data = fs::path(oracle_root()) / "../data/dpo_en_demo.json";
  if (!fs::exists(recorded) || !fs::exists(data) || smollm2().empty()) {
    std::printf("no oracles found\n");
    GTEST_SKIP();
  }
  const auto cases = read_ordered(recorded);
  const auto rows = read_ordered(data);
  int ran = 0;
  for (const auto& entry : cases.items()) {
    const std::string& name = entry.key();
    const Json& c = entry.value();
    if (c.at("rl") != "dpo" || c.contains("failed")) continue;
    const TemporaryFolder folder;
    const fs::path path = folder.path("rows.jsonl");
    std::ofstream out(path);
    const auto first = c.at("first_row").get<std::size_t>();
    for (std::size_t i = 0; i < c.at("rows").get<std::size_t>(); ++i)
      out << json_text(as_columns(rows.at(first + i), c.at("columns").get<std::string>())) << "\n";
    out.close();
    config::Config config;
    config.base_model = smollm2();
    config.rl = "dpo";
    config.shuffle_merged_datasets = false;
    config.dataset_prepared_path = folder.path("prepared");
    config.sequence_len = c.at("config").at("sequence_len").get<std::int64_t>();
    config.chat_template = c.at("config").value("chat_template", "");
    config.excess_length_strategy = c.at("config").value("excess_length_strategy", "drop");
    config::DatasetConfig dataset;
    dataset.path = path.string();
    if (c.at("type").is_object())
      c.at("type").get_to(dataset.user_defined);
    else if (c.at("type").is_string())
      dataset.type = c.at("type").get<std::string>();
    config.datasets = {dataset};
    const auto tokenizer = data::load_tokenizer(config);
    const auto prepared =
        data::PreparedDataset::open(data::prepare(config, tokenizer, {}).train_path);
    ASSERT_EQ(prepared.rows(), std::ssize(c.at("out"))) << name;
    int alike = 0;
    for (std::int64_t i = 0; i < prepared.rows(); ++i) {
      const std::string key = std::to_string(i);
      // TRL 1.16 is followed; where it differs from 1.9, only some rows were recorded.
      const Json& newer = c.at("trl_1_16");
      const auto& differs = c.at("differs_in_trl_1_16");
      if (!newer.contains(key) && std::find(differs.begin(), differs.end(), i) != differs.end())
        continue;
      ++alike;
      const Json& row = newer.contains(key) ? newer.at(key) : c.at("out").at(i);
      const data::SampleView sample = prepared.row(i);
      const std::size_t second = data::second_document(sample.labels);
      std::vector<std::int32_t> want;
      std::vector<std::size_t> ends;
      for (const char* answer : {"chosen_ids", "rejected_ids"}) {
        const std::size_t begin = want.size();
        for (const char* part : {"prompt_ids", answer})
          for (const auto& id : row.at(part)) want.push_back(id.get<std::int32_t>());
        want.resize(std::min(want.size(), begin + static_cast<std::size_t>(config.sequence_len)));
        ends.push_back(want.size());
      }
      EXPECT_EQ(std::vector<std::int32_t>(sample.input_ids.begin(), sample.input_ids.end()), want)
          << name << " row " << i;
      EXPECT_EQ(second, ends[0]) << name << " row " << i;
      const std::size_t prompt = row.at("prompt_ids").size();
      for (std::size_t t = 0; t < second; ++t)
        EXPECT_EQ(sample.labels[t] != data::kIgnore, t >= prompt) << name << " row " << i;
    }
    std::printf("%-28s %d of %lld pairs, all alike\n", name.c_str(), alike,
                static_cast<long long>(prepared.rows()));
    ++ran;
  }
  EXPECT_EQ(ran, 15);
}

}  // namespace
}  // namespace axl::test
