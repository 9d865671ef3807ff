#include "state/redis/scripts.hpp"

namespace ferry::redis::scripts {
namespace {

// A full Redis refuses only the first command of a script that writes, and only if it can need memory: each begins with
// such a one, so that it is refused as a whole.

// A value of another type under one of our names counts as absent: it is taken away when we write there.
constexpr const char* kOwn = R"lua(
local function is_foreign(reply)
  return type(reply) == 'table' and reply.err and string.find(reply.err, 'WRONGTYPE', 1, true)
end
local function own(command, key, ...)
  local reply = redis.pcall(command, key, ...)
  if is_foreign(reply) then
    redis.call('DEL', key)
    return redis.call(command, key, ...)
  end
  if type(reply) == 'table' and reply.err then error(reply.err) end
  return reply
end
)lua";

// The number of buckets that the job's first writer chose holds for all.
constexpr const char* kLayout = R"lua(
local function other_layout(key, ours)
  local found = redis.pcall('GET', key)
  if found == ours then return nil end
  if type(found) == 'string' then
    local buckets = tonumber(string.match(found, '^1:(%d+)$') or '')
    if buckets and buckets >= 256 and buckets <= 4194304 and math.frexp(buckets) == 0.5 then return found end
  end
  redis.call('SET', key, ours)
  return nil
end
)lua";

// Takes records apart and puts them together (record_code.hpp). p: published; t: tail; v: version of the tail.
constexpr const char* kRecord = R"lua(
local byte, sub = string.byte, string.sub
local function version_end(value, first)
  local length = byte(value, first)
  if not length then return nil end
  if length == 0 then
    length = 20
  elseif length == 255 then
    local a, b, c, d = byte(value, first + 1, first + 4)
    if not d then return nil end
    length = ((a * 256 + b) * 256 + c) * 256 + d + 4
  end
  local last = first + length
  if last > #value then return nil end
  return last
end
local function split(value)
  if not value or value == '' then return {} end
  local flags, at, r = byte(value, 1), 2, {}
  if flags ~= 1 and flags ~= 2 and flags ~= 3 and flags ~= 7 then return {} end
  if flags ~= 2 then
    local last = version_end(value, at)
    if not last or last + 4 > #value then return {} end
    r.p = sub(value, at, last + 4)
    r.v = sub(value, at, last)
    at = last + 5
  end
  if flags ~= 1 then
    local both = byte(value, at + 12)
    if not both or both % 16 > 8 then return {} end
    local last = at + 12 + both % 16
    if last > #value then return {} end
    r.t = sub(value, at, last)
    at = last + 1
    if flags ~= 7 then
      last = version_end(value, at)
      if not last then return {} end
      r.v = sub(value, at, last)
      at = last + 1
    end
  end
  if at ~= #value + 1 then return {} end
  return r
end
local function join(r)
  if not r.t then return '\1' .. r.p end
  if not r.p then return '\2' .. r.t .. r.v end
  if sub(r.p, 1, -5) == r.v then return '\7' .. r.p .. r.t end
  return '\3' .. r.p .. r.t .. r.v
end
)lua";

constexpr const char* kMarkPublished = R"lua(
local other = other_layout(KEYS[1], ARGV[1])
if other then return other end
for i = 2, #KEYS do
  local field = ARGV[2 * i - 2]
  local r = split(own('HGET', KEYS[i], field))
  r.p = ARGV[2 * i - 1]
  redis.call('HSET', KEYS[i], field, join(r))
end
return 1
)lua";

constexpr const char* kRecordConsumed = R"lua(
local other = other_layout(KEYS[1], ARGV[1])
if other then return other end
local function is_older(new, old)
  for i = 1, 8 do
    local a, b = byte(new, i), byte(old, i)
    if a ~= b then return a < b end
  end
  return false
end
local listed = redis.call('EXISTS', KEYS[2], KEYS[3], KEYS[4]) > 0
for i = 5, #KEYS, 2 do
  local argument = 2 + (i - 5) / 2 * 3
  local field, tail = ARGV[argument], ARGV[argument + 1]
  local r = split(own('HGET', KEYS[i], field))
  if not r.t or not is_older(tail, r.t) then
    r.t, r.v = tail, ARGV[argument + 2]
    redis.call('HSET', KEYS[i], field, join(r))
    redis.call('DEL', KEYS[i + 1])
    if listed then
      own('ZREM', KEYS[2], field)
      own('HDEL', KEYS[3], field)
      own('ZREM', KEYS[4], field)
    end
  end
end
return 1
)lua";

constexpr const char* kForget = R"lua(
local other = other_layout(KEYS[1], ARGV[1])
if other then return other end
local count = 0
for i = 2, #KEYS do
  local field = ARGV[i + 1]
  local r = split(own('HGET', KEYS[i], field))
  local had = r.t
  if ARGV[2] == 'p' then had = r.p end
  if had then
    count = count + 1
    if ARGV[2] == 'p' then r.p = nil else r.t = nil end
    if r.p or r.t then
      redis.call('HSET', KEYS[i], field, join(r))
    else
      redis.call('HDEL', KEYS[i], field)
    end
  end
end
return count
)lua";

constexpr const char* kReadBuckets = R"lua(
local wanted, most, seen, out = tonumber(ARGV[1]), tonumber(ARGV[2]), 0, {#KEYS}
for i, key in ipairs(KEYS) do
  local length = redis.pcall('HLEN', key)
  if type(length) == 'number' and length > 0 then
    out[#out + 1] = i - 1
    seen = seen + length
    if length > most then
      out[1], out[#out + 1] = i, false
      return out
    end
    out[#out + 1] = redis.call('HGETALL', key)
    if seen >= wanted then
      out[1] = i
      return out
    end
  end
end
return out
)lua";

constexpr const char* kRecordFailures = R"lua(
for i = 1, #ARGV, 2 do
  own('ZADD', KEYS[1], 0, ARGV[i])
  own('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
end
return 1
)lua";

constexpr const char* kClearFailures = R"lua(
for i = 1, #ARGV do
  own('ZREM', KEYS[1], ARGV[i])
  own('HDEL', KEYS[2], ARGV[i])
end
return 1
)lua";

constexpr const char* kReadFailures = R"lua(
local names = redis.pcall('ZRANGEBYLEX', KEYS[1], ARGV[1], '+', 'LIMIT', 0, ARGV[2])
if is_foreign(names) then return {} end
if names.err then error(names.err) end
local out = {}
for _, name in ipairs(names) do
  local text = redis.pcall('HGET', KEYS[2], name)
  if type(text) ~= 'string' then text = false end
  out[#out + 1] = name
  out[#out + 1] = text
end
return out
)lua";

constexpr const char* kCountFailures = R"lua(
local count = redis.pcall('ZCARD', KEYS[1])
if is_foreign(count) then return 0 end
if type(count) == 'table' then error(count.err) end
return count
)lua";

constexpr const char* kSaveCheckpoint = R"lua(
local now, ttl = tonumber(redis.call('TIME')[1]), tonumber(ARGV[3])
redis.call('SET', KEYS[1], ARGV[2], 'EX', ttl)
own('ZADD', KEYS[2], now + ttl, ARGV[1])
own('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
redis.call('EXPIRE', KEYS[2], ttl)
return 1
)lua";

constexpr const char* kDropCheckpoint = R"lua(
redis.call('DEL', KEYS[1])
own('ZREM', KEYS[2], ARGV[1])
return 1
)lua";

// The fence begins at the time, in milliseconds: it goes on growing when Redis has forgotten it.
constexpr const char* kHoldLease = R"lua(
local holder = redis.pcall('GET', KEYS[1])
local fence = redis.pcall('GET', KEYS[2])
fence = type(fence) == 'string' and tonumber(string.match(fence, '^%d+$') or '') or nil
if fence and fence > 9007199254740000 then fence = nil end
if holder == ARGV[1] and fence then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return fence
end
if type(holder) == 'string' and holder ~= ARGV[1] then return false end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
fence = math.max((fence or 0) + 1, now)
redis.call('SET', KEYS[2], string.format('%.0f', fence))
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return fence
)lua";

constexpr const char* kDropLease = R"lua(
if redis.pcall('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
)lua";

// A note is kept as "expiry:text", in milliseconds since 1970, 0 for good. The whole topic goes with its last note.
constexpr const char* kNow = R"lua(
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function living(value)
  local expiry, text = string.match(value, '^(%d+):(.*)$')
  if not expiry then return nil end
  expiry = tonumber(expiry)
  if expiry ~= 0 and expiry <= now then return nil end
  return text
end
)lua";

constexpr const char* kPostNote = R"lua(
local ttl = tonumber(ARGV[3])
if ARGV[2] == '' then
  own('HDEL', KEYS[1], ARGV[1])
  return 1
end
local left = redis.call('PTTL', KEYS[1])
local expiry = '0'
if ttl > 0 then expiry = string.format('%.0f', now + ttl) end
own('HSET', KEYS[1], ARGV[1], expiry .. ':' .. ARGV[2])
if ttl == 0 then
  redis.call('PERSIST', KEYS[1])
elseif left ~= -1 and left < ttl then
  redis.call('PEXPIRE', KEYS[1], ttl)
end
return 1
)lua";

constexpr const char* kReadNotes = R"lua(
local all = redis.pcall('HGETALL', KEYS[1])
if is_foreign(all) then return {} end
if all.err then error(all.err) end
local out = {}
for i = 1, #all, 2 do
  local text = living(all[i + 1])
  if text then
    out[#out + 1] = all[i]
    out[#out + 1] = text
  else
    redis.call('HDEL', KEYS[1], all[i])
  end
end
return out
)lua";

// The mark makes a call that is sent twice count once. A counter that is no number begins anew; a full one stays.
constexpr const char* kAddTotals = R"lua(
if redis.call('EXISTS', KEYS[2]) == 1 then return 1 end
for i = 2, #ARGV, 2 do
  own('HSETNX', KEYS[1], ARGV[i], '0')
  local reply = redis.pcall('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1])
  if type(reply) == 'table' and reply.err then
    if string.find(reply.err, 'not an integer', 1, true) then
      redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
    elseif not string.find(reply.err, 'overflow', 1, true) then
      error(reply.err)
    end
  end
end
redis.call('SET', KEYS[2], '1', 'PX', ARGV[1])
return 1
)lua";

std::string together(std::initializer_list<const char*> parts) {
  std::string text;
  for (const auto* part : parts) text += part;
  return text;
}

}  // namespace

const Script* mark_published() {
  static const Script script{together({kOwn, kLayout, kRecord, kMarkPublished})};
  return &script;
}
const Script* record_consumed() {
  static const Script script{together({kOwn, kLayout, kRecord, kRecordConsumed})};
  return &script;
}
const Script* forget() {
  static const Script script{together({kOwn, kLayout, kRecord, kForget})};
  return &script;
}
const Script* read_buckets() {
  static const Script script{kReadBuckets};
  return &script;
}
const Script* record_failures() {
  static const Script script{together({kOwn, kRecordFailures})};
  return &script;
}
const Script* clear_failures() {
  static const Script script{together({kOwn, kClearFailures})};
  return &script;
}
const Script* read_failures() {
  static const Script script{together({kOwn, kReadFailures})};
  return &script;
}
const Script* count_failures() {
  static const Script script{together({kOwn, kCountFailures})};
  return &script;
}
const Script* save_checkpoint() {
  static const Script script{together({kOwn, kSaveCheckpoint})};
  return &script;
}
const Script* drop_checkpoint() {
  static const Script script{together({kOwn, kDropCheckpoint})};
  return &script;
}
const Script* hold_lease() {
  static const Script script{kHoldLease};
  return &script;
}
const Script* drop_lease() {
  static const Script script{kDropLease};
  return &script;
}
const Script* post_note() {
  static const Script script{together({kOwn, kNow, kPostNote})};
  return &script;
}
const Script* read_notes() {
  static const Script script{together({kOwn, kNow, kReadNotes})};
  return &script;
}
const Script* add_totals() {
  static const Script script{together({kOwn, kAddTotals})};
  return &script;
}

}  // namespace ferry::redis::scripts
