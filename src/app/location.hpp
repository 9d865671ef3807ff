#pragma once
// SRC and DST of the command line: s3://bucket[/prefix] and gs://bucket[/prefix].

#include <string_view>

#include "domain/job.hpp"
#include "kit/base/error.hpp"

namespace ferry::app {

/// A prefix means a folder: "s3://b/photos" and "s3://b/photos/" both name the keys below "photos/". Bytes after the
/// bucket are taken as they are: nothing is decoded or normalised.
/// @error kInvalid  one line: what is wrong with which of the two, and the right form
/// For a plan: without a target the job has none.
[[nodiscard]] Result<Job> parse_source(std::string_view source);
[[nodiscard]] Result<Job> parse_job(std::string_view source, std::string_view target);

}  // namespace ferry::app
