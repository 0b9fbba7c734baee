#pragma once
#include <initializer_list>
#include <string>

#include "ops/ops.hpp"

/// What the checked calls share: shapes and types are looked at here, then the kernel of the
/// compute type is called.
namespace axl::ops {

using device::ArenaScope;
using kernels::Acc;

/// Error{shape} unless `t` has these dimensions.
void require(const char* op, const char* name, TensorView t,
             std::initializer_list<std::int64_t> dims);
/// Error{shape} unless the elements of the matrix `t` have this type.
void require_type(const char* op, const char* name, TensorView t, DType type);
/// Error{shape} unless the heads lie within the rows.
void require_heads(const char* op, const char* name, const Heads& heads);

/// Calls f with a value of the compute type.
template <class F>
void dispatch(const char* op, DType t, F f) {
  switch (t) {
    case DType::f32:
      f(float{});
      return;
    case DType::bf16:
      f(bf16{});
      return;
    case DType::f64:
      f(double{});
      return;
    default:
      throw Error(ErrorCode::shape,
                  std::string("ops::") + op + ": cannot compute in " + std::string(name_of(t)));
  }
}

/// The elements of a tensor of the accumulator type; nullptr for an empty one.
template <class T>
Acc<T>* acc(TensorView t) {
  return t ? t.as<Acc<T>>() : nullptr;
}

template <class T>
T* first_of(const Heads& h) {
  return h.rows.as<T>() + h.first_column;
}

}  // namespace axl::ops
