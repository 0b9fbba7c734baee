#pragma once
#include <string>

#include "weights/weight_file.hpp"

namespace axl::weights {

/// As to_float and to_bf16, for values that are computed with or written: Error{input} names file,
/// tensor and element of the first that is NaN or infinite, or that BF16 cannot hold. The check is
/// part of the pass, on pieces that are in the cache.
void to_finite_float(const TensorEntry& source, std::int64_t first, std::int64_t elements,
                     float* out);
void to_finite_bf16(const TensorEntry& source, std::int64_t first, std::int64_t elements,
                    bf16* out);

/// The same for bytes that are used as they lie in the file. Integers are always finite.
void require_finite(const TensorEntry& source, std::int64_t first, std::int64_t elements);

/// encode() of what elements `first`... of `tensor` became. Error{input} names the first value that
/// `target` cannot hold and the types that can; Error{numeric} one that is NaN or infinite itself.
void encode_finite(const std::string& tensor, std::int64_t first, const float* values,
                   std::int64_t elements, Storage target, std::byte* out);

}  // namespace axl::weights
