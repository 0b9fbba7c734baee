#include "train/stop_signal.hpp"

#include <unistd.h>

#include <csignal>
#include <initializer_list>

namespace axl::train {
namespace {

volatile std::sig_atomic_t received = 0;

extern "C" void on_signal(int signal) {
  if (signal == SIGINT && received == SIGINT) ::_exit(130);
  received = signal;
}

void install(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  for (const int s : {SIGTERM, SIGUSR1, SIGINT}) ::sigaction(s, &action, nullptr);
}

}  // namespace

StopSignal::StopSignal() {
  received = 0;
  install(&on_signal);
}

StopSignal::~StopSignal() { install(SIG_DFL); }

int StopSignal::requested() const { return received; }

}  // namespace axl::train
