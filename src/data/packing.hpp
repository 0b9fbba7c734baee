#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace axl::data {

/// Documents of one packed sequence, as positions into the `lengths` given to the packer.
using Bin = std::vector<std::int64_t>;

/// Best-fit-decreasing bin packing: every item goes to the fullest open bin that still has room
/// for it and fewer than `bin_size` members. Longest first; items of equal length in the order
/// given, so that shuffling the input varies the bins. O(n log capacity): open bins are kept by
/// the room they have left, and a bitmap tree finds the smallest sufficient room.
/// Every length must be in [0, capacity]. Error{internal} otherwise.
std::vector<Bin> pack_best_fit(std::span<const std::int32_t> lengths, std::int64_t capacity,
                               std::int64_t bin_size);

/// Next-fit: items in order, a new bin whenever the current one is full. Keeps the file order.
std::vector<Bin> pack_in_order(std::span<const std::int32_t> lengths, std::int64_t capacity,
                               std::int64_t bin_size);

}  // namespace axl::data
