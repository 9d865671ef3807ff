#include "app/cli.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "app/help.hpp"
#include "app/location.hpp"
#include "app/options.hpp"
#include "app/price_file.hpp"
#include "app/settings_check.hpp"
#include "app/settings_file.hpp"
#include "kit/base/text.hpp"

namespace ferry::app {
namespace {

constexpr std::size_t kValueBytesMax = 4'096;
constexpr std::size_t kDocumentBytesMax = 64 * 1024;
constexpr std::size_t kShownBytesMax = 60;
constexpr Milliseconds kServiceGrace{25'000};  // Kubernetes gives 30 s

/// What stood on the command line, as text.
struct Flags {
  std::map<std::string_view, std::vector<std::string>> values;  ///< by Option::name
  std::vector<std::string> config;
  std::string source, target;
  std::string key;  ///< of `cache show`
  bool help = false;
};

std::string shown(std::string_view text) {
  if (text.size() > kShownBytesMax) return "of " + std::to_string(text.size()) + " bytes";
  return "'" + printable(text) + "'";
}

template <class T>
struct Verb {
  std::string_view word;
  T meaning;
};
constexpr Verb<Command> kVerbs[] = {{"copy", Command::kCopy},           {"verify", Command::kVerify},
                                    {"publisher", Command::kPublisher}, {"migrator", Command::kMigrator},
                                    {"cache", Command::kCache},         {"plan", Command::kPlan},
                                    {"doctor", Command::kDoctor}};
constexpr Verb<CacheAction> kCacheVerbs[] = {{"list", CacheAction::kList},
                                             {"show", CacheAction::kShow},
                                             {"delete", CacheAction::kDelete},
                                             {"failures", CacheAction::kFailures},
                                             {"rebuild-from-target", CacheAction::kRebuild}};

std::string_view verb_of(Command command) { return std::ranges::find(kVerbs, command, &Verb<Command>::meaning)->word; }

template <class T, std::size_t N>
std::string all_of(const Verb<T> (&verbs)[N]) {
  std::string words;
  for (const auto& verb : verbs) words += (words.empty() ? "" : ", ") + std::string{verb.word};
  return words;
}

/// Takes the first word off. `what`: "command".
template <class T, std::size_t N>
Result<T> take_verb(const Verb<T> (&verbs)[N], std::string_view what, std::vector<std::string>* words) {
  if (words->empty()) {
    return fail(ErrorKind::kInvalid,
                "a " + std::string{what} + " is missing, one of: " + all_of(verbs) + "; see --help");
  }
  const auto* const verb = std::ranges::find(verbs, words->front(), &Verb<T>::word);
  if (verb == std::end(verbs)) {
    return fail(ErrorKind::kInvalid, shown(words->front()) + " is not a " + std::string{what} +
                                         "; it is one of: " + all_of(verbs) + "; see --help");
  }
  words->erase(words->begin());
  return verb->meaning;
}

bool asks_for_help(const std::vector<std::string>& words) {
  return !words.empty() && (words.front() == "--help" || words.front() == "-h" || words.front() == "help");
}

/// What to say of words that no option took. Never a word after an unknown option: it may be a secret.
Error surplus(Command command, const std::vector<std::string>& words) {
  const auto dashed = std::find_if(words.begin(), words.end(), [](const auto& word) { return word.starts_with("-"); });
  if (dashed == words.end()) {
    return Error{ErrorKind::kInvalid, shown(words.front()) + " is one word too many; see --help"};
  }
  const std::string name = dashed->substr(0, dashed->find('='));
  for (const Option& option : options()) {
    if (!option.secret || name != "--" + std::string{option.name}) continue;
    return Error{ErrorKind::kInvalid, name + " is never a flag, because everybody can read command lines; set " +
                                          std::string{option.environment.front().name}};
  }
  return Error{ErrorKind::kInvalid,
               shown(name) + " is not an option of " + std::string{verb_of(command)} + "; see --help"};
}

/// CLI11 tells words apart; what they mean, and all precedence, is ours: its own files would beat the environment.
Result<Flags> split_words(Command command, std::vector<std::string> words) {
  Flags flags;
  CLI::App parser;
  parser.set_help_flag();
  parser.allow_extras();
  parser.add_flag("-h,--help", flags.help);
  parser.add_option("--config", flags.config)->expected(1)->allow_extra_args(false)->take_last();
  parser.add_option("SRC", flags.source);
  parser.add_option("DST", flags.target);
  if (command == Command::kCache) parser.add_option("KEY", flags.key);
  for (const Option& option : options()) {
    if (option.secret || !belongs_to(option, command)) continue;
    const std::string name = "--" + std::string{option.name};
    auto& values = flags.values[option.name];
    if (option.value.empty()) {
      parser.add_flag_callback(name, [&values] { values = {"true"}; });
      continue;
    }
    auto* added = parser.add_option(name, values)->expected(1)->allow_extra_args(false);
    option.list ? added->take_all() : added->take_last();
  }
  std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
  try {
    parser.parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    return fail(ErrorKind::kInvalid, std::string{printable(error.what())} + "; see --help");
  }
  if (const auto rest = parser.remaining(); !rest.empty()) return fail(surplus(command, rest));
  return flags;
}

/// `cache show` has a word more than all others, and SRC and DST may be left out before it.
Status place_key(CacheAction action, Flags* flags) {
  if (action != CacheAction::kShow) {
    if (flags->key.empty()) return Unit{};
    return fail(ErrorKind::kInvalid, shown(flags->key) + " is one word too many; see --help");
  }
  if (flags->key.empty() && flags->target.empty()) std::swap(flags->key, flags->source);
  if (!flags->key.empty()) return Unit{};
  return fail(ErrorKind::kInvalid, "cache show wants a key: bucketferry cache show [SRC DST] KEY");
}

class Merger {
 public:
  Merger(Command command, const Flags* flags, const Environment* environment)
      : command_(command), flags_(flags), environment_(environment) {
    settings_.command = command;
    if (!is_service(command)) return;
    settings_.grace = kServiceGrace;
    settings_.log_level = log::Level::kInfo;
    settings_.log_format = log::Format::kJson;
  }

  Result<Settings> merge() {
    if (auto read = read_file(); !read) return fail(std::move(read).error());
    for (const Option& option : options()) {
      if (auto done = apply(option); !done) return fail(std::move(done).error());
    }
    if (auto done = apply_locations(); !done) return fail(std::move(done).error());
    if (!flags_->key.empty()) settings_.cache.keys.emplace_back(flags_->key);
    return std::move(settings_);
  }

 private:
  struct Found {
    std::vector<Given> values;
    bool document = false;
  };

  Status read_file() {
    std::string path;
    if (!flags_->config.empty()) {
      path = flags_->config.back();
      if (path.empty()) return fail(ErrorKind::kInvalid, "--config is empty");
    } else if (const auto named = (*environment_)("FERRY_CONFIG")) {
      path = *named;
      if (path.empty()) return fail(ErrorKind::kInvalid, "FERRY_CONFIG (environment) is empty");
    } else {
      return Unit{};
    }
    if (path.size() > kValueBytesMax) return fail(ErrorKind::kInvalid, "--config: a path has at most 4096 bytes");
    auto file = read_settings_file(path);
    if (!file) return fail(std::move(file).error().during("--config"));
    path_ = path;
    file_ = *std::move(file);
    return check_names();
  }

  Status check_names() {
    for (const FileEntry& entry : file_.entries) {
      if (entry.name == "source" || entry.name == "target") continue;
      const auto& table = options();
      const auto known =
          std::find_if(table.begin(), table.end(), [&](const Option& option) { return option.name == entry.name; });
      if (known == table.end()) {
        return fail(ErrorKind::kInvalid, place_of(entry) + " is not a setting; docs/configuration.md lists them");
      }
      if (!known->list && entry.values.size() != 1) {
        return fail(ErrorKind::kInvalid, place_of(entry) + " takes one value");
      }
      if (known->flag_only) return fail(ErrorKind::kInvalid, place_of(entry) + " is for the command line only");
      const bool secret = known->secret || (known->discreet && entry.values.front().find('@') != std::string::npos);
      if (secret && file_.readable_by_others) {
        settings_.warnings.push_back("settings file " + printable(path_) +
                                     " holds a secret and others can read it; chmod 600");
      }
    }
    return Unit{};
  }

  std::string place_of(const FileEntry& entry) const {
    return "settings file " + printable(path_) + " line " + std::to_string(entry.line) + ": " + printable(entry.name);
  }

  Found find(const Option& option) const {
    const auto flag = flags_->values.find(option.name);
    if (flag != flags_->values.end() && !flag->second.empty()) return from_flag(option, flag->second);
    for (const EnvironmentName& name : option.environment) {
      if (!belongs_to(option, command_)) break;  // somebody else's variable, perhaps
      auto value = (*environment_)(std::string{name.name});
      if (!value || (value->empty() && name.empty_is_unset)) continue;
      const std::string text{name.name};
      return Found{{Given{*std::move(value), Origin::kEnvironment, text, text + " (environment)"}}, name.document};
    }
    return Found{from_file(option.name), false};
  }

  static Found from_flag(const Option& option, const std::vector<std::string>& values) {
    Found found;
    const std::string name = "--" + std::string{option.name};
    for (const auto& value : values) found.values.push_back(Given{value, Origin::kFlag, name, name});
    return found;
  }

  std::vector<Given> from_file(std::string_view name) const {
    std::vector<Given> values;
    for (const FileEntry& entry : file_.entries) {
      if (entry.name != name) continue;
      for (const auto& value : entry.values) values.push_back(Given{value, Origin::kFile, entry.name, place_of(entry)});
    }
    return values;
  }

  /// Huge and binary values are refused unseen; everything else is the setting's own business.
  static Status check_text(const Given& given, bool document) {
    if (given.text.size() > (document ? kDocumentBytesMax : kValueBytesMax)) {
      return fail(ErrorKind::kInvalid, given.place + " is too long: " + std::to_string(given.text.size()) + " bytes");
    }
    const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
    const bool binary = std::any_of(given.text.begin(), given.text.end(), control) && !document;
    if (binary || !is_utf8(given.text)) return fail(ErrorKind::kInvalid, given.place + " is not plain text");
    return Unit{};
  }

  Status apply(const Option& option) {
    const Found found = find(option);
    Settings unused;  // a file serves all commands: what this one doesn't have is checked all the same
    Settings* const into = belongs_to(option, command_) ? &settings_ : &unused;
    for (const Given& given : found.values) {
      if (auto checked = check_text(given, found.document); !checked && !option.flag_only) return checked;
      if (given.text.empty()) return fail(ErrorKind::kInvalid, given.place + " is empty");
      const std::string wrong = option.apply(into, given);
      if (wrong.empty()) continue;
      const bool hidden = option.secret || option.discreet || found.document;
      return fail(ErrorKind::kInvalid, given.place + (hidden ? "" : " " + shown(given.text)) + " " + wrong);
    }
    return Unit{};
  }

  Status apply_locations() {
    std::string source = flags_->source, target = flags_->target;
    if (source.empty() && target.empty()) {
      if (auto found = location("source", "AWS_S3_BUCKET", "s3://", &source); !found) return found;
      if (auto found = location("target", "GCP_BUCKET_NAME", "gs://", &target); !found) return found;
    }
    if (command_ == Command::kPlan && !source.empty() && target.empty()) return take_job(parse_source(source));
    if (source.empty() || target.empty()) {
      return fail(ErrorKind::kInvalid,
                  "source and target are needed: s3://bucket[/prefix] gs://bucket[/prefix]; see --help");
    }
    return take_job(parse_job(source, target));
  }

  Status take_job(Result<Job> job) {
    if (!job) return fail(std::move(job).error());
    job->names = settings_.job.names;
    settings_.job = *std::move(job);
    return Unit{};
  }

  Status location(std::string_view name, const std::string& variable, std::string_view scheme, std::string* into) {
    if (const auto bucket = (*environment_)(variable)) {
      if (bucket->empty()) return fail(ErrorKind::kInvalid, variable + " (environment) is empty");
      *into = (bucket->starts_with(scheme) ? "" : std::string{scheme}) + *bucket;
      return Unit{};
    }
    const auto values = from_file(name);
    if (values.size() > 1) return fail(ErrorKind::kInvalid, values.front().place + " takes one value");
    if (!values.empty()) *into = values.front().text;
    return Unit{};
  }

  Command command_;
  const Flags* flags_;
  const Environment* environment_;
  std::string path_;
  SettingsFile file_;
  Settings settings_;
};

}  // namespace

Result<Invocation> parse_command_line(std::vector<std::string> words, const Environment& environment) {
  if (asks_for_help(words)) return Invocation{program_help(), {}};
  if (!words.empty() && words.front() == "--version") return Invocation{version_line(), {}};
  const auto command = take_verb(kVerbs, "command", &words);
  if (!command) return fail(command.error());
  CacheAction action{};
  if (*command == Command::kCache) {
    if (asks_for_help(words)) return Invocation{command_help(*command), {}};
    const auto subcommand = take_verb(kCacheVerbs, "subcommand of cache", &words);
    if (!subcommand) return fail(subcommand.error());
    action = *subcommand;
  }

  auto flags = split_words(*command, std::move(words));
  if (!flags) return fail(std::move(flags).error());
  if (flags->help) return Invocation{command_help(*command), {}};
  if (!flags->values["print-prices"].empty()) return Invocation{std::string{default_prices_text()}, {}};
  if (*command == Command::kCache) {
    if (auto placed = place_key(action, &*flags); !placed) return fail(std::move(placed).error());
  }
  auto settings = Merger{*command, &*flags, &environment}.merge();
  if (!settings) return fail(std::move(settings).error());
  settings->cache.action = action;
  if (auto whole = complete(&*settings); !whole) return fail(std::move(whole).error());
  return Invocation{std::nullopt, *std::move(settings)};
}

}  // namespace ferry::app
