#include "observe/memory.hpp"

#include <fstream>
#include <string>

namespace axl::observe {
namespace {

/// A "Name:   1234 kB" line of /proc/self/status. (getrusage's maximum survives exec, so that it
/// may be that of the shell which started us.)
std::int64_t status_bytes(const std::string& name) {
  std::ifstream in("/proc/self/status");
  std::string word;
  while (in >> word) {
    std::int64_t kilobytes = 0;
    if (word == name && in >> kilobytes) return kilobytes * 1024;
    in.ignore(1 << 12, '\n');
  }
  return 0;
}

}  // namespace

std::int64_t resident_bytes() { return status_bytes("VmRSS:"); }
std::int64_t peak_resident_bytes() { return status_bytes("VmHWM:"); }

}  // namespace axl::observe
