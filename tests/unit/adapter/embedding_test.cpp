// An Embedding and what may be trained on it: gradients in double, and what must not change.
#include "adapter/embedding.hpp"

#include "support/gradient_check.hpp"
#include "support/session.hpp"

namespace axl::test {
namespace {

using adapter::Embedding;
using adapter::TokenRows;
using tensor::TensorView;

constexpr std::int64_t kVocab = 9, kWidth = 5, kRank = 2;
const std::vector<std::int32_t> kIds = {3, 0, 3, 8, 7, 3};
constexpr auto kTokens = std::int64_t{6};

struct Case {
  Bench bench{1 << 20};
  ops::Context ctx = bench.context();
  tensor::ParameterTable parameters{DType::f64};
  DoubleTensor frozen{kVocab, kWidth, 1};
  DoubleTensor y{kTokens, kWidth, 2}, dy{kTokens, kWidth, 3};
  Embedding embedding;

  /// `attach` adds what is trained.
  template <class F>
  explicit Case(F attach) {
    embedding.name = "embed";
    embedding.rows = kVocab;
    embedding.width = kWidth;
    attach(*this);
    parameters.finish();
    std::uint64_t seed = 20;
    for (tensor::Parameter& p : parameters.all()) {
      const auto values = random_doubles(p.elements(), seed++);
      std::copy(values.begin(), values.end(), p.master.as<double>());
    }
    embedding.table = quant::plain_matrix(
        embedding.trained_table != nullptr ? embedding.trained_table->value : frozen.view);
  }
  double loss() {
    embedding.forward(ctx, kIds, y);
    return dot(y, dy);
  }
  void check() {
    loss();
    parameters.zero_grad();
    const std::int64_t before = bench.arena.mark();
    embedding.backward(ctx, kIds, dy);
    EXPECT_EQ(bench.arena.mark(), before);
    std::vector<Checked> arrays;
    for (const tensor::Parameter& p : parameters.all())
      arrays.push_back(checked(p.name, p.master, p.grad));
    check_gradients([&] { return loss(); }, arrays);
  }
};

void whole(Case& c) {
  c.embedding.trained_table = &c.parameters.add("table", {kVocab, kWidth}, tensor::Role::embedding);
}
void low_rank(Case& c) {
  adapter::EmbeddingLora lora;
  lora.a = &c.parameters.add("A", {kRank, kVocab}, tensor::Role::lora_embedding_a);
  lora.b = &c.parameters.add("B", {kWidth, kRank}, tensor::Role::lora_embedding_b);
  lora.scale = 1.5f;
  c.embedding.lora = lora;
}
void rows(Case& c) {
  c.embedding.token_rows.emplace(&c.parameters.add("rows", {2, kWidth}, tensor::Role::token_rows),
                                 std::vector<std::int32_t>{8, 3});
}

TEST(EmbeddingGradient, Table) { Case(whole).check(); }
TEST(EmbeddingGradient, Lora) { Case(low_rank).check(); }
TEST(EmbeddingGradient, TokenRows) { Case(rows).check(); }

TEST(Embedding, LoraAddsItsProduct) {
  Case c(low_rank);
  c.loss();
  const double* a = c.embedding.lora->a->master.as<double>();
  const double* b = c.embedding.lora->b->master.as<double>();
  for (std::int64_t t = 0; t < kTokens; ++t)
    for (std::int64_t j = 0; j < kWidth; ++j) {
      const std::int64_t id = kIds[static_cast<std::size_t>(t)];
      double expected = c.frozen.values[static_cast<std::size_t>(id * kWidth + j)];
      for (std::int64_t k = 0; k < kRank; ++k)
        expected += 1.5 * b[j * kRank + k] * a[k * kVocab + id];
      EXPECT_NEAR(c.y.values[static_cast<std::size_t>(t * kWidth + j)], expected, 1e-14);
    }
}

TEST(Embedding, TokenRowsReplaceAndOthersStay) {
  Case c(rows);
  c.loss();
  const double* own = c.embedding.token_rows->values().master.as<double>();
  for (std::int64_t t = 0; t < kTokens; ++t) {
    const std::int64_t id = kIds[static_cast<std::size_t>(t)];
    const double* expected = c.frozen.values.data() + id * kWidth;
    if (id == 8) expected = own;
    if (id == 3) expected = own + kWidth;
    for (std::int64_t j = 0; j < kWidth; ++j)
      EXPECT_EQ(c.y.values[static_cast<std::size_t>(t * kWidth + j)], expected[j]);
  }
}

/// As the rows of a tied head: logits = x table^T with rows 8 and 3 of the table replaced.
TEST(TokenRows, ReplaceTheRowsOfAHead) {
  Case c(rows);
  const TokenRows& token_rows = *c.embedding.token_rows;
  DoubleTensor x(kTokens, kWidth, 5), logits(kTokens, kVocab, 6), dx(kTokens, kWidth, 7);
  const DoubleTensor dlogits(kTokens, kVocab, 8);
  const auto loss = [&] {
    ops::matmul(c.ctx, x, c.frozen, logits, {.trans_b = true});
    token_rows.replace_logits(c.ctx, x, logits);
    return dot(logits, dlogits);
  };
  loss();
  c.parameters.zero_grad();
  std::fill(dx.values.begin(), dx.values.end(), 0.0);
  DoubleTensor consumed(kTokens, kVocab, 8);
  token_rows.logits_backward(c.ctx, x, consumed, dx);
  ops::matmul(c.ctx, consumed, c.frozen, dx, {.accumulate = true});
  const tensor::Parameter& p = token_rows.values();
  check_gradients(loss, {checked("rows", p.master, p.grad), checked("x", x, dx)});
}

}  // namespace
}  // namespace axl::test
