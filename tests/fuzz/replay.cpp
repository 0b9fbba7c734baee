// Runs a fuzz target without libFuzzer, with any compiler:
//   fuzz_NAME [--mutate SECONDS] FOLDER_OR_FILE...
// once for every file as it is, then, for so long, for changed copies of the files. An input that
// ends the program is left behind as crash-NAME in the working folder.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "mutator.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

/// What is being tried, and where it goes when the program ends by a signal.
std::string current;
std::string crash_file;

void leave_behind(int signal) {
  const int file = ::open(crash_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file >= 0 && ::write(file, current.data(), current.size()) >= 0) ::close(file);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void run(std::string input) {
  current = std::move(input);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(current.data()), current.size());
}

std::vector<fs::path> files_of(const std::vector<std::string>& places) {
  std::vector<fs::path> files;
  for (const std::string& place : places) {
    if (!fs::is_directory(place)) {
      files.emplace_back(place);
      continue;
    }
    for (const auto& entry : fs::directory_iterator(place))
      if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> places(argv + 1, argv + argc);
  std::chrono::seconds time{0};
  if (places.size() > 2 && places[0] == "--mutate") {
    time = std::chrono::seconds(std::atoi(places[1].c_str()));
    places.erase(places.begin(), places.begin() + 2);
  }
  crash_file = "crash-" + fs::path(argv[0]).filename().string();
  for (const int signal : {SIGABRT, SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGTERM})
    std::signal(signal, &leave_behind);
  std::vector<std::string> corpus;
  for (const fs::path& file : files_of(places)) {
    std::ifstream in(file, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    std::printf("%s: %zu bytes\n", file.filename().c_str(), corpus.back().size());
    std::fflush(stdout);
    run(corpus.back());
  }
  if (corpus.empty()) {
    std::puts("no input found");
    return 1;
  }
  Mutator mutator(corpus);
  std::size_t tried = 0;
  const auto end = std::chrono::steady_clock::now() + time;
  for (; std::chrono::steady_clock::now() < end; ++tried) run(mutator.next());
  std::printf("%zu changed inputs tried\n", tried);
  return 0;
}
