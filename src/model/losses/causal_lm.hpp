#pragma once
#include <span>
#include <vector>

#include "model/decoder.hpp"

namespace axl::model {

/// Next-token cross entropy over the label tokens only: rows without a label never reach the head,
/// and at most Decoder::loss_rows() rows of logits exist at a time (cf. Wijmans et al. 2024,
/// arXiv:2411.09009, for why they should not exist all at once).
struct CausalLmLoss {
  /// Sum of -log p(target) over the label tokens of the batch, in natural log.
  static double evaluate(Context& ctx, const Decoder& model, const Batch& batch, TensorView hidden);
  /// The same, and d_hidden (T, C) = grad_scale * gradient of the sum; adds the gradients of the
  /// head and of the final norm where they are trained.
  static double forward_backward(Context& ctx, const Decoder& model, const Batch& batch,
                                 TensorView hidden, TensorView d_hidden, double grad_scale);
  /// Sum of -log p(target) of every document.
  static std::vector<double> document_losses(Context& ctx, const Decoder& model, const Batch& batch,
                                             TensorView hidden);
  /// d_hidden (T, C) = gradient of the sum over documents of scales[d] times the loss of document
  /// d; the head's and the final norm's as above.
  static void backward_by_document(Context& ctx, const Decoder& model, const Batch& batch,
                                   TensorView hidden, TensorView d_hidden,
                                   std::span<const double> scales);
  /// Logits (rows, V), accumulator type, of the given rows of `hidden`.
  static void logits(Context& ctx, const Decoder& model, TensorView hidden_rows, TensorView logits);
};

}  // namespace axl::model
