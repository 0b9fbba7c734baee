#include "device/session.hpp"

#include <Kokkos_Core.hpp>

namespace axl::device {

using Exec = Kokkos::DefaultHostExecutionSpace;

KokkosSession::KokkosSession(int threads) {
  Kokkos::InitializationSettings settings;
  settings.set_num_threads(threads).set_disable_warnings(true);
  Kokkos::initialize(settings);
  queue_ = std::make_unique<kernels::Queue>(new Exec());
}

KokkosSession::~KokkosSession() {
  delete static_cast<Exec*>(queue_->native());
  Kokkos::finalize();
}

int KokkosSession::threads() const { return Exec().concurrency(); }

}  // namespace axl::device
