#pragma once
#include "data/format.hpp"

namespace axl::data {

/// `inner` over rows changed by row_transforms, in order:
///   strip COLUMN          without white space at the ends
///   lower COLUMN          A to Z become a to z
///   rename OLD NEW        the column gets another name
///   drop COLUMN           as if it were not there
///   set COLUMN TEXT       the same text in every row
///   require COLUMN        rows without text there are dropped as broken
/// Error{config} names the known ones.
RowConverter with_transforms(const config::DatasetConfig& dataset, RowConverter inner);

}  // namespace axl::data
