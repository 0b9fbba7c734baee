#include "adapter/ia3.hpp"

#include "adapter/method.hpp"
#include "adapter/peft_files.hpp"
#include "core/error.hpp"

namespace axl::adapter {
namespace {

TensorView as_vector(TensorView t) { return {t.data(), t.dtype(), {t.elements()}}; }

void attach(const AttachContext& c, Linear& linear) {
  if (c.head)
    throw Error(ErrorCode::unsupported,
                "IA3 on the output head '" + linear.name + "' is not supported")
        .hint("leave it out of lora_target_modules");
  const bool feedforward = c.config.is_feedforward(linear.name);
  Parameter& scales =
      c.parameters.add(adapter_tensor_name(AdapterRole::ia3_l, linear.name, c.config),
                       feedforward ? std::vector<std::int64_t>{1, linear.in}
                                   : std::vector<std::int64_t>{linear.out, 1},
                       tensor::Role::scale);
  scales.init = tensor::Init::constant;
  scales.init_value = 1.0;
  linear.adapters.push_back(std::make_unique<Ia3>(&scales, feedforward));
}

}  // namespace

void Ia3::scale_input(Context& ctx, TensorView x, TensorView y) const {
  ops::scale_columns(ctx, x, as_vector(l_->master), y, false);
}

void Ia3::scale_input_backward(Context& ctx, TensorView x, TensorView dy, TensorView dx,
                               bool accumulate) const {
  ops::scale_columns_backward(ctx, dy, x, {}, as_vector(l_->grad));
  if (dx) ops::scale_columns(ctx, dy, as_vector(l_->master), dx, accumulate);
}

void Ia3::scale_output(Context& ctx, const Saved& saved, TensorView y, bool accumulate) const {
  ops::scale_columns(ctx, saved.z, as_vector(l_->master), y, accumulate);
}

void Ia3::scale_output_backward(Context& ctx, const Saved& saved, TensorView dy,
                                TensorView dz) const {
  ops::scale_columns_backward(ctx, dy, saved.z, {}, as_vector(l_->grad));
  ops::scale_columns(ctx, dy, as_vector(l_->master), dz, false);
}

AdapterMethod ia3_method() { return {"IA3", &attach}; }

}  // namespace axl::adapter
