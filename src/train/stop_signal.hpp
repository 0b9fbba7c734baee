#pragma once

namespace axl::train {

/// SIGTERM, SIGUSR1, SIGUSR2, SIGHUP, SIGXCPU and the first SIGINT ask for a checkpoint and a stop
/// at the next step; a second SIGINT quits at once with status 130. Installed for the lifetime of
/// the object.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  /// The signal that asked this rank to stop, or 0.
  int requested() const;
};

}  // namespace axl::train
