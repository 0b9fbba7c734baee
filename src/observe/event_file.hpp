#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace axl::observe {

/// CRC32C (Castagnoli polynomial 0x1EDC6F41, reflected), as in RFC 3720, appendix B.4.
std::uint32_t crc32c(std::string_view bytes);

/// One record of the TFRecord format (tensorflow/core/lib/io/record_writer.h): little-endian
/// length, its masked CRC, the bytes, their masked CRC.
std::string tf_record(std::string_view bytes);

/// Protocol-buffer messages of tensorflow/core/util/event.proto and framework/summary.proto,
/// encoded by hand: the few fields that TensorBoard reads. `wall_time` is in seconds since 1970.
std::string file_version_event(double wall_time);
/// Values that were recorded for `step` or later by an earlier part of the run are void.
std::string restart_event(double wall_time, std::int64_t step);
std::string scalars_event(double wall_time, std::int64_t step,
                          const std::vector<std::pair<std::string, double>>& scalars);
/// Markdown for TensorBoard's text page.
std::string text_event(double wall_time, const std::string& tag, const std::string& markdown);

}  // namespace axl::observe
