#include "train/stop_signal.hpp"

#include <unistd.h>

#include <array>
#include <csignal>

namespace axl::train {
namespace {

volatile std::sig_atomic_t received = 0;

extern "C" void on_signal(int signal) {
  if (signal == SIGINT && received == SIGINT) ::_exit(130);
  received = signal;
}

/// A batch system's or a user's wish that the run ends: also of a terminal that is gone, of a
/// processor time limit, and of systems that send USR2.
constexpr std::array kStops{SIGTERM, SIGUSR1, SIGUSR2, SIGINT, SIGHUP, SIGXCPU};

std::array<struct sigaction, kStops.size()> before;

}  // namespace

StopSignal::StopSignal() {
  received = 0;
  struct sigaction action = {};
  action.sa_handler = &on_signal;
  action.sa_flags = SA_RESTART;
  for (std::size_t i = 0; i < kStops.size(); ++i) {
    ::sigaction(kStops[i], nullptr, &before[i]);
    // Ignored by who started us (nohup, a shell's background): it stays so.
    if (before[i].sa_handler != SIG_IGN) ::sigaction(kStops[i], &action, nullptr);
  }
}

StopSignal::~StopSignal() {
  for (std::size_t i = 0; i < kStops.size(); ++i)
    if (before[i].sa_handler != SIG_IGN) ::sigaction(kStops[i], &before[i], nullptr);
}

int StopSignal::requested() const { return received; }

}  // namespace axl::train
