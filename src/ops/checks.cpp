#include "ops/checks.hpp"

namespace axl::ops {

void require(const char* op, const char* name, TensorView t,
             std::initializer_list<std::int64_t> dims) {
  bool equal = t.rank() == static_cast<int>(dims.size());
  int i = 0;
  for (const std::int64_t d : dims) equal = equal && t.dim(i++) == d;
  if (equal) return;
  const TensorView expected(nullptr, t.dtype(), dims);
  throw Error(ErrorCode::shape, std::string("ops::") + op + ": " + name + " is " + t.shape_text() +
                                    ", expected " + expected.shape_text());
}

void require_type(const char* op, const char* name, TensorView t, DType type) {
  if (t.dtype() == type) return;
  const TensorView expected(nullptr, type, {t.dim(0), t.dim(1)});
  throw Error(ErrorCode::shape, std::string("ops::") + op + ": " + name + " is " + t.shape_text() +
                                    ", expected " + expected.shape_text());
}

void require_heads(const char* op, const char* name, const Heads& h) {
  const std::int64_t end = h.first_column + (h.heads - 1) * h.head_stride + h.head_dim;
  if (h.rows.rank() == 2 && end <= h.rows.dim(1) && h.head_dim <= h.head_stride) return;
  throw Error(ErrorCode::shape, std::string("ops::") + op + ": " + name + " is " +
                                    h.rows.shape_text() + ", expected at least " +
                                    std::to_string(end) + " columns");
}

}  // namespace axl::ops
