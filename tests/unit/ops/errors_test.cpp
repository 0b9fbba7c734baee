// What the checked calls say of tensors that do not fit.
#include <gtest/gtest.h>

#include <functional>

#include "support/session.hpp"

namespace axl::test {
namespace {

using tensor::TensorView;

/// A view that must not be reached: every call below fails before it runs.
TensorView t(std::initializer_list<std::int64_t> dims, DType type = DType::f32) {
  static float memory[1024];
  return {memory, type, dims};
}

class OpsErrors : public ::testing::Test {
 protected:
  Bench bench{1 << 16};
  ops::Context ctx = bench.context();
  const std::int32_t cu[2] = {0, 4};
  ops::AttentionShape shape{.cu_q = cu, .cu_k = cu, .docs = 1, .scale = 1.0};
  static ops::Heads heads(TensorView rows, std::int64_t n) { return {rows, n, 8, 0, 8}; }

  static void expect(const std::string& message, const std::function<void()>& call) {
    try {
      call();
      ADD_FAILURE() << "no error, expected: " << message;
    } catch (const Error& e) {
      EXPECT_EQ(e.message(), message);
      EXPECT_EQ(e.code(), ErrorCode::shape) << message;
    }
  }
};

TEST_F(OpsErrors, Matmul) {
  expect("ops::matmul: b is (5, 3) f32, expected (4, 3) f32", [&] {
    ops::matmul(ctx, t({2, 4}), t({5, 3}), t({2, 3}), {});
  });
  expect("ops::matmul: b is (4, 3) f32, expected (4, 2) f32", [&] {
    ops::matmul(ctx, t({5, 2}), t({4, 3}), t({5, 4}), {.trans_b = true});
  });
  expect("ops::matmul: c is (2, 4) f32, expected (2, 3) f32", [&] {
    ops::matmul(ctx, t({2, 4}), t({4, 3}), t({2, 4}), {});
  });
  expect("ops::matmul: c is (2, 3) f32, expected (4, 3) f32", [&] {
    ops::matmul(ctx, t({2, 4}), t({2, 3}), t({2, 3}), {.trans_a = true});
  });
}

TEST_F(OpsErrors, MatmulTypes) {
  expect("ops::matmul: b is (4, 3) f64, expected (4, 3) f32", [&] {
    ops::matmul(ctx, t({2, 4}), t({4, 3}, DType::f64), t({2, 3}), {});
  });
  // b may stay bf16 under f32, but its shape is checked all the same.
  expect("ops::matmul: b is (5, 3) bf16, expected (4, 3) bf16", [&] {
    ops::matmul(ctx, t({2, 4}), t({5, 3}, DType::bf16), t({2, 3}), {});
  });
  expect("ops::matmul: b is (3, 5) bf16, expected (3, 4) bf16", [&] {
    ops::matmul(ctx, t({2, 4}), t({3, 5}, DType::bf16), t({2, 3}), {.trans_b = true});
  });
  expect("ops::matmul: b is (4, 3) bf16, expected (4, 3) f64", [&] {
    ops::matmul(ctx, t({2, 4}, DType::f64), t({4, 3}, DType::bf16), t({2, 3}, DType::f64), {});
  });
  expect("ops::matmul: c is (2, 3) f64, expected (2, 3) f32", [&] {
    ops::matmul(ctx, t({2, 4}), t({4, 3}), t({2, 3}, DType::f64), {});
  });
  expect("ops::matmul: c is (2, 3) bf16, expected (2, 3) f32", [&] {
    ops::matmul(ctx, t({2, 4}), t({4, 3}), t({2, 3}, DType::bf16), {});
  });
  expect("ops::matmul: cannot compute in i32", [&] {
    ops::matmul(ctx, t({2, 4}, DType::i32), t({4, 3}, DType::i32), t({2, 3}, DType::i32), {});
  });
}

TEST_F(OpsErrors, MatmulPacked) {
  const kernels::PackedMatrix packed{nullptr, 64, 4, 3, DType::f32};
  expect("ops::matmul: packed b is (4, 3) f32, expected (5, 3) f32", [&] {
    ops::matmul(ctx, t({2, 5}), {}, t({2, 3}), {.packed_b = &packed});
  });
  expect("ops::matmul: packed b is (4, 3) f32, expected (4, 6) f32", [&] {
    ops::matmul(ctx, t({2, 4}), {}, t({2, 6}), {.packed_b = &packed});
  });
}

TEST_F(OpsErrors, Embedding) {
  expect("ops::embedding: y is (2, 5) f32, expected (2, 4) f32", [&] {
    ops::embedding(ctx, cu, t({9, 4}), t({2, 5}));
  });
  expect("ops::embedding_backward: dtable is (9, 4) f32, expected (9, 5) f32", [&] {
    ops::embedding_backward(ctx, cu, t({2, 5}), t({9, 4}));
  });
}

TEST_F(OpsErrors, RmsNorm) {
  expect("ops::rmsnorm: w is (3) f32, expected (4) f32", [&] {
    ops::rmsnorm(ctx, t({2, 4}), t({3}), t({2, 4}), {}, 1e-6);
  });
  expect("ops::rmsnorm: y is (2, 3) f32, expected (2, 4) f32", [&] {
    ops::rmsnorm(ctx, t({2, 4}), t({4}), t({2, 3}), {}, 1e-6);
  });
  expect("ops::rmsnorm: rstd is (4) f32, expected (2) f32", [&] {
    ops::rmsnorm(ctx, t({2, 4}), t({4}), t({2, 4}), t({4}), 1e-6);
  });
}

TEST_F(OpsErrors, RmsNormBackward) {
  const auto call = [&](TensorView rstd, TensorView dy, TensorView dx, TensorView dw) {
    ops::rmsnorm_backward(ctx, t({2, 4}), t({4}), rstd, dy, dx, dw, false);
  };
  const TensorView x = t({2, 4});
  expect("ops::rmsnorm_backward: dy is (4, 2) f32, expected (2, 4) f32", [&] {
    call(t({2}), t({4, 2}), x, {});
  });
  expect("ops::rmsnorm_backward: dx is (2, 5) f32, expected (2, 4) f32", [&] {
    call(t({2}), x, t({2, 5}), {});
  });
  expect("ops::rmsnorm_backward: rstd is (3) f32, expected (2) f32",
         [&] { call(t({3}), x, x, {}); });
  expect("ops::rmsnorm_backward: dw is (5) f32, expected (4) f32",
         [&] { call(t({2}), x, x, t({5})); });
  expect("ops::rmsnorm_backward: w is (5) f32, expected (4) f32",
         [&] { ops::rmsnorm_backward(ctx, x, t({5}), t({2}), x, x, {}, false); });
}

TEST_F(OpsErrors, LayerNorm) {
  const TensorView x = t({2, 4});
  expect("ops::layernorm: w is (3) f32, expected (4) f32",
         [&] { ops::layernorm(ctx, x, t({3}), t({4}), x, {}, {}, 1e-6); });
  expect("ops::layernorm: b is (3) f32, expected (4) f32",
         [&] { ops::layernorm(ctx, x, t({4}), t({3}), x, {}, {}, 1e-6); });
  expect("ops::layernorm: statistics is (3) f32, expected (2) f32",
         [&] { ops::layernorm(ctx, x, t({4}), t({4}), x, t({3}), {}, 1e-6); });
  expect("ops::layernorm_backward: gradient is (3) f32, expected (4) f32", [&] {
    ops::layernorm_backward(ctx, x, t({4}), t({2}), t({2}), x, x, t({4}), t({3}), false);
  });
}

TEST_F(OpsErrors, Rope) {
  expect("ops::all_heads: rows is (2, 10) f32, expected (2, 9) f32", [&] {
    ops::all_heads(t({2, 10}), 3);
  });
  expect("ops::rope: x is (2, 15) f32, expected at least 16 columns", [&] {
    ops::rope(ctx, heads(t({2, 15}), 2), cu, t({9, 4}), t({9, 4}), false);
  });
  expect("ops::rope: cos is (9, 5) f32, heads have 8 elements", [&] {
    ops::rope(ctx, heads(t({2, 16}), 2), cu, t({9, 5}), t({9, 5}), false);
  });
  expect("ops::rope: sin is (8, 4) f32, expected (9, 4) f32", [&] {
    ops::rope(ctx, heads(t({2, 16}), 2), cu, t({9, 4}), t({8, 4}), false);
  });
}

TEST_F(OpsErrors, Activation) {
  const auto act = ops::Activation::silu;
  expect("ops::activation: u is (2, 3) f32, expected (2, 4) f32", [&] {
    ops::activation(ctx, act, ops::gated(t({2, 4}), t({2, 3})), t({2, 4}));
  });
  expect("ops::activation: y is (2, 3) f32, expected (2, 4) f32", [&] {
    ops::activation(ctx, act, ops::gated(t({2, 4}), t({2, 4})), t({2, 3}));
  });
  expect("ops::activation_backward: dg is (1, 4) f32, expected (2, 4) f32", [&] {
    ops::activation_backward(ctx, act, ops::gated(t({2, 4}), t({2, 4})), t({2, 4}),
                             ops::gated(t({1, 4}), t({2, 4})));
  });
}

TEST_F(OpsErrors, Attention) {
  const auto call = [&](TensorView q, TensorView k, TensorView v, TensorView o, TensorView lse) {
    ops::attention(ctx, shape, heads(q, 4), heads(k, 2), heads(v, 2), o, lse);
  };
  expect("ops::attention: q is (4, 31) f32, expected at least 32 columns", [&] {
    call(t({4, 31}), t({4, 16}), t({4, 16}), t({4, 32}), {});
  });
  expect("ops::attention: k is (4, 15) f32, expected at least 16 columns", [&] {
    call(t({4, 32}), t({4, 15}), t({4, 16}), t({4, 32}), {});
  });
  expect("ops::attention: v is (3, 16) f32, expected (4, 16) f32", [&] {
    call(t({4, 32}), t({4, 16}), t({3, 16}), t({4, 32}), {});
  });
  expect("ops::attention: o is (4, 16) f32, expected (4, 32) f32", [&] {
    call(t({4, 32}), t({4, 16}), t({4, 16}), t({4, 16}), {});
  });
  expect("ops::attention: lse is (4) f32, expected (4, 4) f32", [&] {
    call(t({4, 32}), t({4, 16}), t({4, 16}), t({4, 32}), t({4}));
  });
}

TEST_F(OpsErrors, AttentionBackward) {
  const TensorView o = t({4, 32});
  const ops::Heads q = heads(o, 4), k = heads(t({4, 16}), 2);
  expect("ops::attention_backward: query side is (4, 16) f32, expected (4, 32) f32", [&] {
    ops::attention_backward(ctx, shape, q, k, k, o, t({4, 4}), t({4, 16}), q, k, k);
  });
  expect("ops::attention_backward: heads is (3, 16) f32, expected (4, 16) f32", [&] {
    ops::attention_backward(ctx, shape, q, k, k, o, t({4, 4}), o, q, heads(t({3, 16}), 2), k);
  });
  expect("ops::attention_backward: lse is (4, 5) f32, expected (4, 4) f32", [&] {
    ops::attention_backward(ctx, shape, q, k, k, o, t({4, 5}), o, q, k, k);
  });
}

TEST_F(OpsErrors, CrossEntropy) {
  double loss[2];
  expect("ops::cross_entropy: dlogits is (2, 3) f32, expected (2, 4) f32", [&] {
    ops::cross_entropy(ctx, t({2, 4}), cu, loss, t({2, 3}), DType::f32, 1.0);
  });
  expect("ops::cross_entropy: cannot compute in i32", [&] {
    ops::cross_entropy(ctx, t({2, 4}), cu, loss, {}, DType::i32, 1.0);
  });
}

TEST_F(OpsErrors, RowsAndBiases) {
  expect("ops::gather_rows: to is (2, 3) f32, expected (2, 4) f32", [&] {
    ops::gather_rows(ctx, t({5, 4}), cu, t({2, 3}));
  });
  expect("ops::scatter_rows: to is (5, 3) f32, expected (5, 4) f32", [&] {
    ops::scatter_rows(ctx, t({2, 4}), cu, t({5, 3}));
  });
  expect("ops::bias_add: bias is (3) f32, expected (4) f32", [&] {
    ops::bias_add(ctx, t({2, 4}), t({3}));
  });
  expect("ops::bias_backward: dbias is (3) f32, expected (4) f32", [&] {
    ops::bias_backward(ctx, t({2, 4}), t({3}));
  });
}

TEST_F(OpsErrors, SizesOfFlatCalls) {
  const auto internal = [&](const std::string& message, const std::function<void()>& call) {
    try {
      call();
      ADD_FAILURE() << message;
    } catch (const Error& e) {
      EXPECT_EQ(e.message(), message);
      EXPECT_EQ(e.code(), ErrorCode::internal);
    }
  };
  internal("ops::copy: sizes differ", [&] { ops::copy(ctx, t({2, 4}), t({2, 3})); });
  internal("ops::dropout: sizes differ", [&] {
    ops::dropout(ctx, t({2, 4}), t({2, 3}), 0.5, 1, false);
  });
  internal("ops::convert: sizes differ", [&] { ops::convert(ctx, t({2, 4}), t({2, 3})); });
}

TEST_F(OpsErrors, MixedTypesAreRefused) {
  EXPECT_THROW(ops::rmsnorm(ctx, t({2, 4}), t({4}, DType::bf16), t({2, 4}), {}, 1e-6), Error);
  EXPECT_THROW(ops::activation(ctx, ops::Activation::silu,
                               ops::gated(t({2, 4}), t({2, 4}, DType::f64)), t({2, 4})),
               Error);
  EXPECT_THROW(ops::copy(ctx, t({2, 4}), t({2, 4}, DType::bf16)), Error);
}

}  // namespace
}  // namespace axl::test
