#include <unistd.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "observe/append_file.hpp"
#include "observe/event_file.hpp"
#include "observe/registry.hpp"

namespace axl::observe {
namespace {

double now_s() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

std::string indented(const std::string& text) {
  std::string out = "    ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "    ";
  }
  return out;
}

/// OUTPUT/tensorboard/events.out.tfevents.TIME.HOST.PID. Every part of a run has a file of its own;
/// a resumed part begins by voiding what earlier files say about the steps that it repeats.
class TensorBoardSink final : public EventSink {
 public:
  void start(const RunStart& run) override {
    const std::string folder = run.output_dir + "/tensorboard";
    make_folder(folder);
    // TensorBoard reads a folder's files in the order of their names.
    file_.emplace(folder + "/events.out.tfevents." +
                  std::to_string(static_cast<std::int64_t>(now_s())) + "." + host_name() + "." +
                  std::to_string(::getpid()));
    write(file_version_event(now_s()));
    write(restart_event(now_s(), run.start_step > 0 ? run.start_step + 1 : 0));
    if (!run.effective_config_json.empty())
      write(text_event(now_s(), "config", indented(run.effective_config_json)));
  }
  void step(const StepRecord& r, bool logged) override {
    if (!logged) return;
    Measures scalars{{"train/loss", r.loss},
                     {"train/grad_norm", r.grad_norm},
                     {"train/learning_rate", r.learning_rate},
                     {"train/epoch", r.epoch},
                     {"train/label_tokens", static_cast<double>(r.label_tokens)},
                     {"train/tokens_per_second", r.tokens_per_second},
                     {"train/memory_bytes", static_cast<double>(r.memory_bytes)}};
    for (const auto& [name, value] : r.measures) scalars.emplace_back("train/" + name, value);
    write(scalars_event(now_s(), r.step, scalars));
  }
  void eval(const EvalRecord& r) override {
    Measures scalars{{"eval/loss", r.eval_loss}};
    for (const auto& [name, value] : r.measures) scalars.emplace_back("eval/" + name, value);
    write(scalars_event(now_s(), r.step, scalars));
  }
  void checkpoint(std::int64_t, const std::string&) override {
    if (file_) file_->sync();
  }
  void end(const RunEnd&) override {
    if (file_) file_->sync();
  }

 private:
  void write(const std::string& event) {
    if (file_) file_->write(tf_record(event));
  }
  std::optional<AppendFile> file_;
};

}  // namespace

SinkSpec tensorboard_spec() {
  return {.name = "tensorboard",
          .summary = "tensorboard/: event files for `tensorboard --logdir`",
          .wanted = &SinkOptions::tensorboard,
          .make = [] { return std::unique_ptr<EventSink>(std::make_unique<TensorBoardSink>()); }};
}

}  // namespace axl::observe
