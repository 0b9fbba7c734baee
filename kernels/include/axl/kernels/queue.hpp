#pragma once

namespace axl::kernels {

/// The order in which launches run. Wraps the native execution instance (host: a Kokkos host space;
/// CUDA: a cudaStream_t and the Kokkos instance built on it). Created and owned by src/device;
/// every kernel takes one and never touches a default instance.
class Queue {
 public:
  explicit Queue(void* native) : native_(native) {}
  void* native() const { return native_; }

 private:
  void* native_;
};

}  // namespace axl::kernels
