#include "task/task.hpp"

namespace axl::task {

const Registry<TaskSpec>& tasks() {
  static const Registry<TaskSpec> list("task", {
                                                   supervised_spec(),  // supervised.cpp
                                                   dpo_spec(),         // dpo.cpp
                                               });
  return list;
}

}  // namespace axl::task
