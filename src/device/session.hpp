#pragma once
#include <memory>

#include "axl/kernels/queue.hpp"

namespace axl::device {

/// Kokkos for the lifetime of this object, and the compute queue. Lives in run() below the MPI
/// session, so that it ends before MPI and after every tensor.
class KokkosSession {
 public:
  explicit KokkosSession(int threads);
  ~KokkosSession();
  KokkosSession(const KokkosSession&) = delete;
  KokkosSession& operator=(const KokkosSession&) = delete;
  kernels::Queue& queue() { return *queue_; }
  int threads() const;

 private:
  std::unique_ptr<kernels::Queue> queue_;
};

}  // namespace axl::device
