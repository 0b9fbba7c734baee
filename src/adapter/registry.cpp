#include "adapter/method.hpp"

namespace axl::adapter {

const Registry<AdapterMethod>& methods() {
  static const Registry<AdapterMethod> list("adapter method", {
                                                                  lora_method(),  // lora.cpp
                                                                  ia3_method(),   // ia3.cpp
                                                                  vera_method(),  // vera.cpp
                                                              });
  return list;
}

}  // namespace axl::adapter
