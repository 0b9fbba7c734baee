#include "observe/registry.hpp"

#include <exception>
#include <utility>
#include <vector>

namespace axl::observe {

const Registry<SinkSpec>& sinks() {
  static const Registry<SinkSpec> list{
      "record", {metrics_spec(), tensorboard_spec(), report_spec(), progress_spec()}};
  return list;
}

EventSink::~EventSink() = default;
void EventSink::start(const RunStart&) {}
void EventSink::step(const StepRecord&, bool) {}
void EventSink::eval(const EvalRecord&) {}
void EventSink::checkpoint(std::int64_t, const std::string&) {}
void EventSink::end(const RunEnd&) {}

namespace {

class AllSinks final : public EventSink {
 public:
  explicit AllSinks(std::vector<std::unique_ptr<EventSink>> sinks) : sinks_(std::move(sinks)) {}
  void start(const RunStart& run) override {
    for (const auto& s : sinks_) s->start(run);
  }
  void step(const StepRecord& record, bool logged) override {
    for (const auto& s : sinks_) s->step(record, logged);
  }
  void eval(const EvalRecord& record) override {
    for (const auto& s : sinks_) s->eval(record);
  }
  void checkpoint(std::int64_t step, const std::string& path) override {
    for (const auto& s : sinks_) s->checkpoint(step, path);
  }
  void end(const RunEnd& run) override {
    std::exception_ptr first;
    for (const auto& s : sinks_) {
      try {
        s->end(run);
      } catch (...) {
        if (!first) first = std::current_exception();
      }
    }
    if (first) std::rethrow_exception(first);
  }

 private:
  std::vector<std::unique_ptr<EventSink>> sinks_;
};

}  // namespace

std::unique_ptr<EventSink> make_sinks(const SinkOptions& options) {
  std::vector<std::unique_ptr<EventSink>> made;
  for (const SinkSpec& spec : sinks())
    if (options.*(spec.wanted)) made.push_back(spec.make());
  return std::make_unique<AllSinks>(std::move(made));
}

}  // namespace axl::observe
