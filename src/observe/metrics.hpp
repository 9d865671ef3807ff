#pragma once
// One page of metrics in Prometheus's text format 0.0.4.
// @see https://prometheus.io/docs/instrumenting/exposition_formats/

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace ferry {

class MetricsPage {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  MetricsPage();
  ~MetricsPage();
  MetricsPage(const MetricsPage&) = delete;
  MetricsPage& operator=(const MetricsPage&) = delete;

  /// Samples of one name follow each other; the help text of the first counts.
  void counter(const std::string& name, const std::string& help, double value, const Labels& labels = {});
  void gauge(const std::string& name, const std::string& help, double value, const Labels& labels = {});
  /// CPU seconds, resident bytes, open files, start time: what every exporter tells of its process.
  void process();

  [[nodiscard]] std::string text() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace ferry
