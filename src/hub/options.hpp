#pragma once
#include <string>

namespace axl::hub {

/// Where the Hub is and where its files are kept, as the variables of Hugging Face's own library
/// say: HF_ENDPOINT, HF_HUB_CACHE (else HF_HOME/hub, else ~/.cache/huggingface/hub), HF_TOKEN (else
/// the file HF_TOKEN_PATH or HF_HOME/token), HF_HUB_OFFLINE.
struct Options {
  std::string endpoint = "https://huggingface.co";
  std::string cache;
  std::string token;
  bool offline = false;
};

Options options_from_environment();

}  // namespace axl::hub
