#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace axl::weights {

/// Llama 3.1's rotary scaling. GGUF files hold it only as the divisors of the frequencies
/// (tensor rope_freqs.weight), so reading has to find the parameters that give these divisors.
struct Llama3Scaling {
  double factor = 1.0;
  double low_freq_factor = 1.0;
  double high_freq_factor = 4.0;
  std::int64_t original_max_position_embeddings = 8192;
};

/// (head_dim / 2) divisors: frequency i becomes theta^(-2i/head_dim) / divisor[i].
std::vector<float> llama3_divisors(const Llama3Scaling& scaling, double theta,
                                   std::int64_t head_dim);

/// The inverse for the published low_freq_factor 1 and high_freq_factor 4; Error{unsupported} when
/// no power of two as the original context length gives these divisors.
Llama3Scaling llama3_scaling_of(const std::vector<float>& divisors, double theta,
                                const std::string& path);

}  // namespace axl::weights
