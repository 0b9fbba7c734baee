#pragma once
#include <hdf5.h>

#include <string>

namespace axl::checkpoint {

/// Turns HDF5's printing of errors off for the calling thread (once) and clears its stack.
void quiet_hdf5();
/// The innermost message of HDF5's error stack, for Error texts.
std::string hdf5_reason();

/// An HDF5 identifier with its closing function; closes quietly.
class Handle {
 public:
  using Close = herr_t (*)(hid_t);
  Handle(hid_t id, Close closer) : id_(id), close_(closer) {}
  ~Handle() { close(); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  operator hid_t() const { return id_; }
  bool valid() const { return id_ >= 0; }
  /// Negative when closing failed (for files: when flushing failed).
  herr_t close() {
    const hid_t id = id_;
    id_ = -1;
    return id >= 0 ? close_(id) : 0;
  }

 private:
  hid_t id_;
  Close close_;
};

}  // namespace axl::checkpoint
