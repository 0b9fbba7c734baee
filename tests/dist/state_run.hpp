#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"

namespace axl::checkpoint::testing {

/// A made-up training state whose values follow from the step, so that a reader can tell whether
/// what it loaded is one step's state in full.
class StateRun {
 public:
  StateRun(std::int64_t step, std::int64_t rows) {
    add("exp_avg/a", {rows, 5}, step, 1);
    add("exp_avg/b", {3}, step, 2);
    add("exp_avg_sq/deep/er.weight", {7, 2, 2}, step, 3);
    add("scalar", {}, step, 4);
    add_codes("exp_avg_codes/a", {rows, 3}, step);
    state.json = "{\"step\": " + std::to_string(step) + "}";
  }
  bool operator==(const StateRun& other) const {
    return values_ == other.values_ && codes_ == other.codes_ && state.json == other.state.json;
  }
  TrainState state;

 private:
  void add(const std::string& name, std::vector<std::int64_t> shape, std::int64_t step,
           std::int64_t salt) {
    StateTensor t{name, std::move(shape), nullptr};
    std::vector<float> values(static_cast<std::size_t>(t.elements()));
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(step * 1000 + salt * 100) + static_cast<float>(i) / 4.0f;
    values_.push_back(std::move(values));
    t.data = values_.back().data();
    state.tensors.push_back(std::move(t));
  }
  void add_codes(const std::string& name, std::vector<std::int64_t> shape, std::int64_t step) {
    StateTensor t{name, std::move(shape), nullptr, DType::u8};
    std::vector<std::uint8_t> codes(static_cast<std::size_t>(t.elements()));
    for (std::size_t i = 0; i < codes.size(); ++i)
      codes[i] = static_cast<std::uint8_t>(7 * i + static_cast<std::size_t>(step));
    codes_.push_back(std::move(codes));
    t.data = codes_.back().data();
    state.tensors.push_back(std::move(t));
  }
  std::vector<std::vector<float>> values_;
  std::vector<std::vector<std::uint8_t>> codes_;
};

}  // namespace axl::checkpoint::testing
