#include "train/data_report.hpp"

#include <fmt/format.h>

#include "core/log.hpp"

namespace axl::train {

void log_reports(const std::vector<data::DatasetReport>& reports) {
  for (const data::DatasetReport& r : reports) {
    const std::int64_t dropped =
        r.dropped_broken + r.dropped_too_long + r.dropped_too_short + r.dropped_no_labels;
    log::info("data: {} ({}): {} of {} rows, {} tokens, {} of them labels{}", r.path, r.type,
              r.rows_kept, r.rows_read, r.tokens, r.label_tokens,
              dropped == 0
                  ? ""
                  : fmt::format("; dropped {} broken, {} too long, {} too short, {} without labels",
                                r.dropped_broken, r.dropped_too_long, r.dropped_too_short,
                                r.dropped_no_labels));
    for (const std::string& example : r.examples) log::warning("{}", example);
  }
}

}  // namespace axl::train
