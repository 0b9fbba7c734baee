#pragma once
#include <string>

#include "core/error.hpp"

namespace axl::checkpoint {

/// What a folder is that is no checkpoint of ours: of Hugging Face's Trainer, DeepSpeed or FSDP, an
/// adapter, a model, an output folder with checkpoints in it; as an error that says which key takes
/// what is in it. Error{`code`}.
Error foreign_folder(const std::string& folder, ErrorCode code);

}  // namespace axl::checkpoint
