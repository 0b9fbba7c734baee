#include "train/gradient_reducer.hpp"

#include <algorithm>
#include <iterator>

namespace axl::train {

GradientReducer::GradientReducer(const parallel::Comm& comm, tensor::ParameterTable& table,
                                 std::vector<std::int64_t> layer_offsets, std::int64_t bucket_bytes)
    : comm_(comm),
      table_(table),
      layer_offsets_(std::move(layer_offsets)),
      bucket_elements_(bucket_bytes / size_of(DType::f32)),
      end_(table.flat_elements()),
      next_(std::ssize(layer_offsets_) - 1) {}

void GradientReducer::layer_done(std::int64_t layer) {
  if (comm_.size() == 1) return;
  for (parallel::Request& r : pending_) r.test();  // lets MPI make progress
  // A rank that had no rows reports only the end; it walks the same borders as the others, because
  // ranks that cut their sums differently would not meet.
  for (; next_ >= layer; --next_) start(next_);
}

void GradientReducer::start(std::int64_t layer) {
  const std::int64_t first = layer < 0 ? 0 : layer_offsets_[static_cast<std::size_t>(layer)];
  if (layer >= 0 && end_ - first < bucket_elements_) return;
  // A layer larger than a bucket (an embedding) goes in several pieces.
  while (end_ > first) {
    const std::int64_t n = std::min(end_ - first, std::int64_t{64} << 20);
    pending_.push_back(comm_.start_sum(table_.grad() + end_ - n, n));
    end_ -= n;
  }
}

void GradientReducer::finish() {
  for (parallel::Request& r : pending_) r.wait();
  pending_.clear();
  end_ = table_.flat_elements();
  next_ = std::ssize(layer_offsets_) - 1;
}

}  // namespace axl::train
