// Views and the table of trained parameters.
#include <gtest/gtest.h>

#include "tensor/parameters.hpp"

namespace axl::tensor {
namespace {

TEST(TensorView, KnowsItsShape) {
  float memory[24];
  const TensorView v(memory, DType::f32, {2, 3, 4});
  EXPECT_EQ(v.rank(), 3);
  EXPECT_EQ(v.elements(), 24);
  EXPECT_EQ(v.bytes(), 96);
  EXPECT_EQ(v.shape_text(), "(2, 3, 4) f32");
  EXPECT_TRUE(v);
  EXPECT_FALSE(TensorView());
  EXPECT_EQ(TensorView().elements(), 0);
  EXPECT_EQ(TensorView(memory, DType::f32, {0, 3}).elements(), 0);
}

TEST(TensorView, RowsAreAWindow) {
  bf16 memory[12];
  const TensorView v(memory, DType::bf16, {4, 3});
  const TensorView r = v.rows(1, 2);
  EXPECT_EQ(r.data(), memory + 3);
  EXPECT_EQ(r.shape_text(), "(2, 3) bf16");
  EXPECT_EQ(v.rows(4, 0).elements(), 0);
}

TEST(TensorView, RefusesTheWrongType) {
  float memory[1];
  const TensorView v(memory, DType::f32, {1});
  EXPECT_EQ(v.as<float>(), memory);
  try {
    v.as<double>();
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.message(), "tensor is f32, asked for f64");
    EXPECT_EQ(e.code(), ErrorCode::internal);
  }
}

TEST(ParameterTable, LaysParametersOutInOneBuffer) {
  ParameterTable t(DType::bf16);
  Parameter& a = t.add("a", {3, 5}, Role::matrix);
  Parameter& b = t.add("b", {17}, Role::norm);
  Parameter& c = t.add("c", {2, 2}, Role::matrix);
  t.finish();
  EXPECT_EQ(a.offset, 0);
  EXPECT_EQ(b.offset, 16);
  EXPECT_EQ(c.offset, 48);
  EXPECT_EQ(t.flat_elements(), 64);
  EXPECT_EQ(t.trained_elements(), 15 + 17 + 4);
  EXPECT_EQ(b.master.as<float>(), t.master() + 16);
  EXPECT_EQ(c.grad.as<float>(), t.grad() + 48);
  EXPECT_EQ(a.value.shape_text(), "(3, 5) bf16");
  EXPECT_EQ(a.master.shape_text(), "(3, 5) f32");
  EXPECT_EQ(t.bytes(), 64 * (4 + 4 + 2));
}

TEST(ParameterTable, ValuesAreTheMastersUnlessTheTypesDiffer) {
  for (const DType type : {DType::f32, DType::f64, DType::bf16}) {
    ParameterTable t(type);
    Parameter& p = t.add("p", {4, 4}, Role::matrix);
    t.finish();
    EXPECT_EQ(t.separate_values(), type == DType::bf16);
    EXPECT_EQ(p.value.data() == p.master.data(), type != DType::bf16);
    EXPECT_EQ(p.master.dtype(), accumulator_of(type));
    EXPECT_EQ(p.grad.dtype(), accumulator_of(type));
  }
}

TEST(ParameterTable, FindsByNameAndClearsGradients) {
  ParameterTable t(DType::f32);
  t.add("x", {4}, Role::matrix);
  t.add("y", {4}, Role::norm);
  t.finish();
  ASSERT_NE(t.find("y"), nullptr);
  EXPECT_EQ(t.find("y")->role, Role::norm);
  EXPECT_FALSE(t.find("y")->at_end);
  EXPECT_EQ(t.find("z"), nullptr);
  t.find("y")->grad.as<float>()[3] = 5;
  t.zero_grad();
  for (std::int64_t i = 0; i < t.flat_elements(); ++i) EXPECT_EQ(t.grad()[i], 0.0f);
}

TEST(ParameterTable, AddressesAreStable) {
  ParameterTable t(DType::f32);
  Parameter* first = &t.add("first", {1}, Role::matrix);
  for (int i = 0; i < 1000; ++i) t.add("p" + std::to_string(i), {3}, Role::matrix);
  EXPECT_EQ(t.find("first"), first);
}

TEST(ParameterTable, RefusesLateAdditionsAndOddRanks) {
  ParameterTable t(DType::f32);
  t.add("a", {1}, Role::matrix);
  t.finish();
  EXPECT_THROW(t.add("b", {1}, Role::matrix), Error);
  ParameterTable cube(DType::f32);
  cube.add("cube", {2, 2, 2}, Role::matrix);
  try {
    cube.finish();
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.message(), "cube: parameters have 1 or 2 axes");
  }
}

TEST(ParameterTable, AnEmptyOneIsNoError) {
  ParameterTable t(DType::f32);
  t.finish();
  t.zero_grad();
  EXPECT_EQ(t.flat_elements(), 0);
  EXPECT_EQ(t.bytes(), 0);
}

}  // namespace
}  // namespace axl::tensor
