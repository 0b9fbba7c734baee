#include "train/layout.hpp"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

namespace axl::train {
namespace {

std::vector<int> processors(const cpu_set_t& mask) {
  std::vector<int> out;
  for (int i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(i, &mask)) out.push_back(i);
  return out;
}

std::string host_name() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

}  // namespace

ThreadLayout choose_threads(const parallel::Comm& world, const parallel::Comm& node) {
  cpu_set_t mine;
  CPU_ZERO(&mine);
  ::sched_getaffinity(0, sizeof mine, &mine);
  std::vector<cpu_set_t> masks(static_cast<std::size_t>(node.size()), mine);
  for (int r = 0; r < node.size(); ++r)
    node.broadcast(&masks[static_cast<std::size_t>(r)], sizeof(cpu_set_t), r);
  bool disjoint = true;
  for (std::size_t a = 0; a < masks.size(); ++a)
    for (std::size_t b = 0; b < a; ++b) {
      cpu_set_t both;
      CPU_AND(&both, &masks[a], &masks[b]);
      disjoint = disjoint && CPU_COUNT(&both) == 0;
    }
  ThreadLayout out;
  std::string how;
  if (const char* asked = std::getenv("OMP_NUM_THREADS");
      asked != nullptr && std::atoi(asked) > 0) {
    out.threads = std::atoi(asked);
    how = "as OMP_NUM_THREADS says";
  } else if (disjoint) {
    out.threads = std::max(1, CPU_COUNT(&mine));
    how = node.size() > 1 ? "bound by the launcher" : "all processors of this rank";
  } else {
    const std::vector<int> all = processors(mine);
    const int share = std::max(1, static_cast<int>(all.size()) / node.size());
    out.threads = share;
    how = "each bound to its share";
    if (static_cast<int>(all.size()) >= node.size()) {
      cpu_set_t slice;
      CPU_ZERO(&slice);
      for (int i = 0; i < share; ++i)
        CPU_SET(all[static_cast<std::size_t>(node.rank() * share + i)], &slice);
      ::sched_setaffinity(0, sizeof slice, &slice);
    } else {
      how = "more ranks than processors";
    }
  }
  const int nodes = world.size() / std::max(1, node.size());
  out.description =
      fmt::format("{} rank{} x {} thread{} on {}{}; {}", world.size(), world.size() == 1 ? "" : "s",
                  out.threads, out.threads == 1 ? "" : "s", host_name(),
                  nodes > 1 ? fmt::format(" and {} more nodes", nodes - 1) : "", how);
  return out;
}

}  // namespace axl::train
