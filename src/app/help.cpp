#include "app/help.hpp"

#include <algorithm>
#include <string_view>

#include "app/options.hpp"

namespace ferry::app {
namespace {

constexpr std::size_t kWidth = 100;
constexpr std::size_t kTextColumn = 30;

constexpr std::string_view kExitCodes =
    "Exit codes:\n"
    "  0  all well                          2  usage or configuration\n"
    "  1  some objects failed or differ     3  a service refused us or can't be reached\n"
    "  130  interrupted; the same command goes on where it stopped\n";

constexpr std::string_view kLocations =
    "  SRC  s3://bucket[/prefix]   a prefix means a folder: s3://b/photos is every key below \"photos/\"\n"
    "  DST  gs://bucket[/prefix]   the prefix of SRC is replaced by this one\n";

constexpr std::string_view kCopyExamples =
    "Examples:\n"
    "  1. See what would be copied, without writing anything:\n"
    "     bucketferry copy s3://photos gs://photos-new --dry-run\n"
    "  2. Copy a bucket; run the same again to go on, or to bring what has changed:\n"
    "     bucketferry copy s3://photos gs://photos-new\n"
    "  3. One folder, no temporary files, with evidence for every object:\n"
    "     bucketferry copy s3://photos/2024 gs://archive/photos/2024 --exclude '*.tmp' --report copied.jsonl\n"
    "  4. Keep in step: what has left the source goes from the target, too, unless it is more than 5 %:\n"
    "     bucketferry copy s3://photos gs://photos-new --delete --max-delete 5%\n"
    "  5. From another server that speaks S3, for a script:\n"
    "     bucketferry copy s3://photos gs://photos-new --s3-endpoint https://s3.example.com --json --quiet\n";

constexpr std::string_view kVerifyExamples =
    "Examples:\n"
    "  1. Compare by identity and checksums, without moving bytes:\n"
    "     bucketferry verify s3://photos gs://photos-new\n"
    "  2. Read one in a hundred again, look at all headers, and keep the evidence:\n"
    "     bucketferry verify s3://photos gs://photos-new --deep --sample 1% --metadata \\\n"
    "       --html evidence.html --report evidence.jsonl\n"
    "  3. The target holds other things, too:\n"
    "     bucketferry verify s3://photos/2024 gs://archive/photos/2024 --ignore-extra\n";

constexpr std::string_view kPublisherExamples =
    "Examples:\n"
    "  1. Everything local: Redis, the Pub/Sub emulator and S3 from the environment, credentials too:\n"
    "     export PUBSUB_EMULATOR_HOST=127.0.0.1:8085 REDIS_ADDRESS=127.0.0.1:6379\n"
    "     export SYSTEM_ADMIN_USERNAME=operator SYSTEM_ADMIN_PASSWORD_FILE=admin-password\n"
    "     bucketferry publisher s3://photos gs://photos-new\n"
    "  2. Scan every hour, serve the dashboard to the network with TLS:\n"
    "     bucketferry publisher s3://photos gs://photos-new --scan-interval 1h \\\n"
    "       --listen 0.0.0.0:8443 --tls-cert cert.pem --tls-key key.pem\n"
    "  3. Scan now, and see how far it is:\n"
    "     curl -u operator -X POST http://127.0.0.1:8080/scan -H 'Content-Type: application/json' -d '{}'\n"
    "     curl -u operator http://127.0.0.1:8080/status\n";

constexpr std::string_view kMigratorExamples =
    "Examples:\n"
    "  1. One of many; start as many as you like, with the settings of the publisher:\n"
    "     bucketferry migrator s3://photos gs://photos-new --listen 127.0.0.1:0\n"
    "  2. A large machine:\n"
    "     SYSTEM_MAX_WORKERS=2000 bucketferry migrator s3://photos gs://photos-new --threads 8\n";

constexpr std::string_view kCacheSubcommands =
    "  list                  every mark, a line each: what was published, and what was consumed, which means that\n"
    "                        it is at the target\n"
    "  show [SRC DST] KEY    the marks of one key; ends with 1 if there are none\n"
    "  delete                forgets marks: of --key KEY, or with --all --yes of every key; the objects stay as\n"
    "                        they are, and the next scan decides anew\n"
    "  failures              what could not be brought over, and why\n"
    "  rebuild-from-target   forgets the consumed marks, and sets them anew from what the objects at the target\n"
    "                        say of themselves; needs no access to S3; services may run meanwhile\n"
    "\n";

constexpr std::string_view kCacheOutput =
    "Columns, separated by tabs, \"-\" where there is none; with --json a JSON object on each line instead:\n"
    "  list, show   TYPE  WHEN  ETAG  LAST-MODIFIED  GENERATION  CHECK  BYTES  KEY\n"
    "  failures     REASON  WHEN  ATTEMPTS  KEY  WHAT\n"
    "  Control characters and bytes that are no UTF-8 are printed as \\xNN, a backslash as two. In JSON, a key\n"
    "  that is no UTF-8 is \"key_base64\".\n"
    "\n";

constexpr std::string_view kCacheExamples =
    "Examples (REDIS_ADDRESS is set):\n"
    "  1. Is this object at the target?\n"
    "     bucketferry cache show s3://photos gs://photos-new 2024/a.jpg\n"
    "  2. How many objects and bytes are known to be there?\n"
    "     bucketferry cache list s3://photos gs://photos-new --type consumed |\n"
    "       awk -F'\\t' '{ bytes += $7 } END { print NR, bytes }'\n"
    "  3. Let the next scan look for one object at the target, instead of believing what is known:\n"
    "     bucketferry cache delete s3://photos gs://photos-new --key 2024/a.jpg\n"
    "  4. Somebody changed the target by hand:\n"
    "     bucketferry cache rebuild-from-target s3://photos gs://photos-new\n";

constexpr std::string_view kDoctorOutput =
    "Each check is a line: ok, warn or FAIL, what was looked at, what was seen; then what to do about it.\n"
    "Looked at are addresses and certificates, clocks, credentials (which source counts, never a secret) and\n"
    "permissions of both sides; with REDIS_ADDRESS also Redis and Pub/Sub. Nothing is written anywhere. The\n"
    "exit code is 0 unless something FAILs.\n"
    "\n";

constexpr std::string_view kDoctorExamples =
    "Examples:\n"
    "  1. Will a copy of this bucket work?\n"
    "     bucketferry doctor s3://photos gs://photos-new\n"
    "  2. The same for a script, which keys of the AWS tools' files to take named:\n"
    "     bucketferry doctor s3://photos gs://photos-new --s3-profile archive --json\n";

constexpr std::string_view kPlanLocations =
    "  SRC  s3://bucket[/prefix]   a prefix means a folder: s3://b/photos is every key below \"photos/\"\n"
    "  DST  gs://bucket[/prefix]   what is there counts as there; without DST everything is to be copied\n";

constexpr std::string_view kPlanExamples =
    "Examples:\n"
    "  1. What would a migration move, what can't it, and what does that take?\n"
    "     bucketferry plan s3://photos gs://photos-new\n"
    "  2. Before there is a target, as a page with charts, for a line of 1 Gbit/s:\n"
    "     bucketferry plan s3://photos --rate 110MiB --html plan.html\n"
    "  3. With prices of your own:\n"
    "     bucketferry plan --print-prices > prices.yaml\n"
    "     bucketferry plan s3://photos gs://photos-new --prices prices.yaml --json\n";

constexpr std::string_view kPlanOutput =
    "All of it comes from listings alone: no object is read, nothing is written. Ends with 1 if something can't be\n"
    "copied. Tags (a request for each object that has some) and what fails and is repeated come on top.\n"
    "\n";

/// What is particular to one command.
struct Page {
  Command command;
  std::string_view verb, purpose, examples;
  std::string_view words = "SRC DST", subcommands = {}, output = {}, locations = kLocations;
};
constexpr Page kPages[] = {
    {Command::kCopy, "copy", "copy what is new or changed from S3 to GCS; run it again to go on", kCopyExamples},
    {Command::kVerify, "verify", "compare both sides by identity and checksums, without moving bytes", kVerifyExamples},
    {Command::kPublisher, "publisher", "service: find what is new or changed, publish it, serve API and dashboard",
     kPublisherExamples},
    {Command::kMigrator, "migrator", "service: take what was published and bring it over; run many", kMigratorExamples},
    {Command::kCache, "cache", "show and correct what publisher and migrators remember in Redis of SRC and DST",
     kCacheExamples, "SUBCOMMAND SRC DST", kCacheSubcommands, kCacheOutput},
    {Command::kPlan,
     "plan",
     "say what a copy would move and what it can't, with requests, traffic, cost and time",
     kPlanExamples,
     "SRC [DST]",
     {},
     kPlanOutput,
     kPlanLocations},
    {Command::kDoctor,
     "doctor",
     "look at credentials, permissions, clocks and all else that a run needs",
     kDoctorExamples,
     "SRC DST",
     {},
     kDoctorOutput}};

const Page& page_of(Command command) { return *std::ranges::find(kPages, command, &Page::command); }

/// Appends `text`, broken between words, with every further line at the text column.
void append_wrapped(std::string* page, std::size_t column, std::string_view text) {
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (column > kTextColumn && column + 1 + word.size() > kWidth) {
      page->append("\n").append(kTextColumn, ' ');
      column = kTextColumn;
    } else if (column > kTextColumn) {
      page->append(" ");
      ++column;
    }
    page->append(word);
    column += word.size();
  }
  page->append("\n");
}

void append_entry(std::string* page, std::string_view left, std::string_view text) {
  page->append("  ").append(left);
  std::size_t column = 2 + left.size();
  if (column + 1 >= kTextColumn) {
    page->append("\n");
    column = 0;
  }
  page->append(kTextColumn - column, ' ');
  append_wrapped(page, kTextColumn, text);
}

std::string names_of(const Option& option) {
  std::string names;
  for (const auto& name : option.environment) names += (names.empty() ? "" : ", ") + std::string{name.name};
  return names;
}

void append_option(std::string* page, const Option& option) {
  const std::string names = names_of(option);
  std::string text{option.help};
  if (option.secret) {
    append_entry(page, names, text);
    return;
  }
  if (!names.empty()) text += " [" + names + "]";
  append_entry(page, "--" + std::string{option.name} + (option.value.empty() ? "" : " " + std::string{option.value}),
               text);
}

void append_group(std::string* page, Group group, Command command) {
  const auto shown = [&](const Option& option) { return option.group == group && belongs_to(option, command); };
  if (group != Group::kGeneral && std::ranges::none_of(options(), shown)) return;
  page->append("\n").append(heading(group)).append(":\n");
  for (const Option& option : options()) {
    if (shown(option)) append_option(page, option);
  }
  if (group != Group::kGeneral) return;
  append_entry(page, "--config FILE", "settings in YAML, by the names of these options [FERRY_CONFIG]");
  append_entry(page, "-h, --help", "this page");
}

}  // namespace

std::string program_help() {
  std::string page =
      "bucketferry: moves Amazon S3 buckets to Google Cloud Storage, loses nothing, proves it\n"
      "\n"
      "Usage: bucketferry COMMAND SRC DST [OPTION]...\n"
      "\n"
      "Commands:\n"
      "  plan       say what a copy would move, and what it can't, costs and takes\n"
      "  copy       copy what is new or changed; run it again to go on\n"
      "  verify     compare both sides, without moving bytes\n"
      "  publisher  service: find what is new or changed, publish it, serve API and dashboard\n"
      "  migrator   service: take what was published and bring it over; run many\n"
      "  cache      show and correct what the services remember\n"
      "  doctor     look at credentials, permissions, clocks and all else that a run needs\n"
      "\n"
      "  bucketferry COMMAND --help    options and examples\n"
      "  bucketferry --version\n"
      "\n";
  return page + std::string{kExitCodes};
}

std::string command_help(Command command) {
  const Page& text = page_of(command);
  const std::string name = "bucketferry " + std::string{text.verb};
  std::string page =
      name + ": " + std::string{text.purpose} + "\n\nUsage: " + name + " " + std::string{text.words} + " [OPTION]...\n";
  page.append(text.subcommands).append(text.locations);
  for (const Group group : kGroups) append_group(&page, group, command);
  page += "\nA flag beats the environment [NAME], which beats the settings file.\n\n";
  page.append(text.output).append(text.examples);
  return page + "\n" + std::string{kExitCodes};
}

std::string version_line() { return "bucketferry " FERRY_VERSION "\n"; }

std::string program_version() { return FERRY_VERSION; }

}  // namespace ferry::app
