// save_loop FOLDER [verify]: saves checkpoints without end, or checks what is left of them.
#include <cstdio>
#include <cstring>

#include "checkpoint/checkpoint.hpp"
#include "core/error.hpp"
#include "state_run.hpp"

namespace {

using axl::checkpoint::testing::StateRun;

constexpr std::int64_t kRows = 4000;
constexpr std::int64_t kKeep = 2;

int verify(const axl::parallel::Comm& comm, const std::string& folder) {
  const auto latest = axl::checkpoint::find_latest(folder);
  if (!latest) {
    std::printf("no checkpoint is left\n");
    return 1;
  }
  StateRun loaded(0, kRows);
  const std::int64_t step = axl::checkpoint::load_collective(comm, *latest, loaded.state);
  const bool whole = loaded == StateRun(step, kRows);
  std::printf("%s: step %lld %s\n", latest->c_str(), static_cast<long long>(step),
              whole ? "is whole" : "IS DAMAGED");
  return whole ? 0 : 1;
}

[[noreturn]] void save_for_ever(const axl::parallel::Comm& comm, const std::string& folder) {
  std::int64_t step = 0;
  if (const auto latest = axl::checkpoint::find_latest_collective(comm, folder)) {
    StateRun loaded(0, kRows);
    step = axl::checkpoint::load_collective(comm, *latest, loaded.state);
  }
  for (;;) {
    const StateRun run(++step, kRows);
    axl::checkpoint::save_collective(
        comm, folder, step, run.state,
        [](const std::string& to) {
          if (std::FILE* f = std::fopen((to + "/adapter_model.safetensors").c_str(), "w")) {
            std::fputs("weights", f);
            std::fclose(f);
          }
        },
        {.newest = kKeep});
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::string folder = argv[1];
  try {
    if (argc > 2 && std::strcmp(argv[2], "verify") == 0) return verify({}, folder);
    const axl::parallel::MpiSession session(&argc, &argv);
    save_for_ever(axl::parallel::Comm::world(), folder);
  } catch (const axl::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
}
