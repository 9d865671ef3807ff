#pragma once
// What the clouds charge for a migration, by a table that people can edit (app/price_file.hpp reads and prints it).

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plan/estimate.hpp"

namespace ferry {

/// By storage class.
struct ClassPrices {
  std::map<std::string, double, std::less<>> of;
  double other = 0;  ///< of classes that are not named
  [[nodiscard]] double at(std::string_view storage_class) const;
};

/// Traffic of one month: up to so much (from the first byte on) at this price, what is above at the next step's.
struct PriceStep {
  std::optional<double> up_to_gib;  ///< nothing: no limit; the last one
  double per_gib = 0;
};

struct PriceTable {
  std::string as_of, source, currency;
  double s3_list = 0;        ///< per 1,000 requests, as all of these
  ClassPrices s3_read;       ///< GET and HEAD
  ClassPrices s3_retrieval;  ///< per GiB read
  std::vector<PriceStep> egress;
  double gcs_list = 0;
  ClassPrices gcs_upload;  ///< per object, in however many requests
};

struct Cost {
  double s3_lists = 0, s3_reads = 0, s3_retrieval = 0, egress = 0, gcs_lists = 0, gcs_uploads = 0;
  [[nodiscard]] double total() const { return s3_lists + s3_reads + s3_retrieval + egress + gcs_lists + gcs_uploads; }
};

/// All of it within one month, in which nothing else leaves the source. `source_lists`, `target_lists`: requests.
[[nodiscard]] Cost cost_of(const Estimate& estimate, std::uint64_t source_lists, std::uint64_t target_lists,
                           const PriceTable& prices);

}  // namespace ferry
