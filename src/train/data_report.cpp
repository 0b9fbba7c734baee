#include "train/data_report.hpp"

#include "core/log.hpp"
#include "data/summary.hpp"

namespace axl::train {

void log_reports(const std::vector<data::DatasetReport>& reports) {
  for (const data::DatasetReport& r : reports) {
    log::info("data: {} ({}): {} rows, {} samples kept, {} tokens, {} of them labels{}", r.path,
              r.type, r.rows_read, r.rows_kept, r.tokens, r.label_tokens, data::losses(r));
    for (const std::string& example : r.examples) log::warning("{}", example);
  }
}

}  // namespace axl::train
