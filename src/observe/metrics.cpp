#include "observe/metrics.hpp"

#include <dirent.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <optional>

namespace ferry {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

double resident_bytes() {
  std::ifstream statm{"/proc/self/statm"};
  double total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// Nothing where the system keeps it from us: the process is not dumpable, and not root's.
std::optional<double> open_files() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (!folder) return std::nullopt;
  double count = -3;  // ".", "..", and the folder itself
  while (::readdir(folder)) ++count;
  ::closedir(folder);
  return count;
}

}  // namespace

struct MetricsPage::Families {
  std::vector<prometheus::MetricFamily> all;

  prometheus::ClientMetric* add(const std::string& name, const std::string& help, prometheus::MetricType type,
                                const Labels& labels) {
    if (all.empty() || all.back().name != name) all.push_back({name, help, type, {}});
    auto& metric = all.back().metric.emplace_back();
    for (const auto& [label, value] : labels) metric.label.push_back({label, value});
    return &metric;
  }
};

MetricsPage::MetricsPage() : families_(std::make_unique<Families>()) {}
MetricsPage::~MetricsPage() = default;

void MetricsPage::counter(const std::string& name, const std::string& help, double value, const Labels& labels) {
  families_->add(name, help, prometheus::MetricType::Counter, labels)->counter.value = value;
}

void MetricsPage::gauge(const std::string& name, const std::string& help, double value, const Labels& labels) {
  families_->add(name, help, prometheus::MetricType::Gauge, labels)->gauge.value = value;
}

void MetricsPage::process() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  counter("process_cpu_seconds_total", "User and system CPU time",
          seconds_of(used.ru_utime) + seconds_of(used.ru_stime));
  gauge("process_resident_memory_bytes", "Resident memory", resident_bytes());
  if (const auto open = open_files()) gauge("process_open_fds", "Open file descriptors", *open);
}

std::string MetricsPage::text() const { return prometheus::TextSerializer{}.Serialize(families_->all); }

}  // namespace ferry
