// Gradients summed over ranks: exact, repeatable, whatever the buckets; and one rank with four
// micro-batches equals four ranks with one.
#include <gtest/gtest.h>

#include <memory>

#include "train/gradient_reducer.hpp"
#include "unit/model/tiny_model.hpp"

namespace axl::test {
namespace {

using parallel::Comm;

/// Kokkos beside MPI's main().
class KokkosEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    session_ = std::make_unique<device::KokkosSession>(1);
    use_session(session_.get());
  }
  void TearDown() override { session_.reset(); }

 private:
  std::unique_ptr<device::KokkosSession> session_;
};
[[maybe_unused]] const auto* const kKokkos =
    ::testing::AddGlobalTestEnvironment(new KokkosEnvironment);

class Reducer : public ::testing::Test {
 protected:
  Comm comm = Comm::world();
  tensor::ParameterTable table{DType::f32};
  std::vector<std::int64_t> offsets;
  ~Reducer() override { comm.close(); }
  void SetUp() override {
    table.add("embedding", {37, 16}, tensor::Role::embedding);
    for (int layer = 0; layer < 4; ++layer) {
      offsets.push_back(table.flat_elements());
      table.add("matrix", {16, 16 + layer}, tensor::Role::matrix);
      table.add("norm", {16}, tensor::Role::norm);
    }
    table.add("head", {37, 16}, tensor::Role::head);
    table.finish();
  }
  void fill(bool whole_numbers) {
    for (std::int64_t i = 0; i < table.flat_elements(); ++i)
      table.grad()[i] =
          whole_numbers
              ? static_cast<float>((i * 31 + comm.rank() * 7) % 1000 - 500)
              : static_cast<float>(2.0 * random_uniform(5, static_cast<std::uint64_t>(comm.rank()),
                                                        static_cast<std::uint64_t>(i)) -
                                   1.0);
  }
  std::vector<float> expected_whole_numbers() const {
    std::vector<float> sum(static_cast<std::size_t>(table.flat_elements()), 0.0f);
    for (std::size_t i = 0; i < sum.size(); ++i)
      for (int r = 0; r < comm.size(); ++r)
        sum[i] += static_cast<float>((static_cast<std::int64_t>(i) * 31 + r * 7) % 1000 - 500);
    return sum;
  }
  std::vector<float> gradients() const {
    return {table.grad(), table.grad() + table.flat_elements()};
  }
  void backward(train::GradientReducer& reducer) {
    for (std::int64_t layer = 3; layer >= -1; --layer) reducer.layer_done(layer);
    reducer.finish();
  }
};

TEST_F(Reducer, SumsExactlyAtEveryBucketSize) {
  std::vector<std::int64_t> sizes = {4, 64, 4096, 8 << 20};
  for (const std::int64_t o : offsets)  // a layer's border, and one element to either side of it
    for (const std::int64_t shift : {-1, 0, 1})
      sizes.push_back(4 * (table.flat_elements() - o + shift));
  for (const std::int64_t bytes : sizes) {
    train::GradientReducer reducer(comm, table, offsets, bytes);
    for (int step = 0; step < 2; ++step) {
      fill(true);
      backward(reducer);
      EXPECT_EQ(gradients(), expected_whole_numbers()) << bytes << " bytes, step " << step;
    }
  }
}

TEST_F(Reducer, TheSameBitsTwice) {
  train::GradientReducer reducer(comm, table, offsets, 2000);
  fill(false);
  backward(reducer);
  const std::vector<float> first = gradients();
  fill(false);
  backward(reducer);
  EXPECT_EQ(gradients(), first);
  std::vector<float> of_rank_0 = first;
  comm.broadcast(of_rank_0.data(), static_cast<std::int64_t>(4 * of_rank_0.size()), 0);
  EXPECT_EQ(of_rank_0, first) << "all ranks step with the same gradients";
}

/// At the end of an epoch a rank may have no rows: it reports no layer, only the end, and has to
/// join the same sums as the others.
TEST_F(Reducer, ARankWithoutRowsJoinsTheSameBuckets) {
  for (const std::int64_t bytes : {4, 2000, 8 << 20}) {
    train::GradientReducer reducer(comm, table, offsets, bytes);
    fill(true);
    if (comm.rank() == comm.size() - 1) {
      reducer.layer_done(-1);
      reducer.finish();
    } else {
      backward(reducer);
    }
    EXPECT_EQ(gradients(), expected_whole_numbers()) << bytes;
  }
}

TEST_F(Reducer, OneRankSumsNothing) {
  const Comm alone;
  train::GradientReducer reducer(alone, table, offsets, 4);
  fill(false);
  const std::vector<float> before = gradients();
  backward(reducer);
  EXPECT_EQ(gradients(), before);
}

struct Training {
  bool full;
  bool checkpointing;
};

void ranks_equal_micro_batches(const Comm& comm, Training how) {
  const TinyWeights w({});
  const TinyBatch all({9, 30, 4, 17});
  model::DecoderOptions o{.compute = DType::f32, .gradient_checkpointing = how.checkpointing};
  o.training.full = how.full;
  if (!how.full) o.training.lora = tiny_lora();
  const double scale = 1.0 / static_cast<double>(all.labels);
  TinyDecoder alone(w, o), shared(w, o);
  alone.perturb();
  shared.perturb();
  double loss_alone = 0, loss[1] = {0};
  for (std::size_t d = 0; d < 4; ++d) loss_alone += alone.run(all.document(d).view(), true, scale);
  train::GradientReducer reducer(comm, shared.decoder.parameters(), shared.decoder.layer_offsets(),
                                 2000);
  for (std::size_t d = 0; d < 4; ++d)
    if (static_cast<int>(d) % comm.size() == comm.rank())
      loss[0] += shared.run(all.document(d).view(), true, scale);
  for (std::int64_t layer = 1; layer >= -1; --layer) reducer.layer_done(layer);
  reducer.finish();
  comm.sum(loss, 1);
  EXPECT_NEAR(loss[0], loss_alone, 1e-9 * loss_alone);
  const auto a = alone.gradients(), b = shared.gradients();
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]) * (a[i] - b[i]);
    size += a[i] * a[i];
  }
  EXPECT_GT(size, 0.0);
  EXPECT_LE(std::sqrt(difference / size), 1e-6);
}

TEST_F(Reducer, FourMicroBatchesOrFourRanksLora) {
  ranks_equal_micro_batches(comm, {.full = false, .checkpointing = false});
}
TEST_F(Reducer, FourMicroBatchesOrFourRanksFull) {
  ranks_equal_micro_batches(comm, {.full = true, .checkpointing = true});
}

}  // namespace
}  // namespace axl::test
