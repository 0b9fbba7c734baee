#pragma once
#include <memory>
#include <string_view>

#include "core/registry.hpp"
#include "observe/run_events.hpp"

namespace axl::observe {

/// A kind of record that a run leaves.
struct SinkSpec {
  std::string_view name;
  std::string_view summary;
  bool SinkOptions::*wanted;
  std::unique_ptr<EventSink> (*make)();
};

/// In the order in which they see every event.
const Registry<SinkSpec>& sinks();

SinkSpec metrics_spec();      // metrics_sink.cpp
SinkSpec tensorboard_spec();  // tensorboard_sink.cpp
SinkSpec report_spec();       // report_sink.cpp: reads metrics.jsonl, so it comes after its writer
SinkSpec progress_spec();     // progress_sink.cpp

}  // namespace axl::observe
