// Fills a bucket with random objects by Amazon's own client library: any legal key, header, metadata, tags and class.
// Prints a line of JSON for each, with what must be at the target after a migration.
//   node s3_random.mjs ENDPOINT ACCESS_KEY_ID SECRET_ACCESS_KEY BUCKET COUNT SEED
import { createHash } from "node:crypto";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";

const [endpoint, accessKeyId, secretAccessKey, Bucket, count, seed] = process.argv.slice(2);
const client = new S3Client({
  endpoint,
  region: "us-east-1",
  forcePathStyle: true,
  credentials: { accessKeyId, secretAccessKey },
  maxAttempts: 1,
});

let state = Number(seed);
function below(limit) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}
const one = (list) => list[below(list.length)];
const chance = (percent) => below(100) < percent;
const text = (alphabet, least, most) => Array.from({ length: least + below(most - least + 1) }, () => one(alphabet)).join("");
const chars = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i));

const kTokens = [..."abcdefghijklmnopqrstuvwxyz0123456789-_"];
const kAscii = chars(0x20, 0x7e);
const kAnyScript = [..."äöüßéñçøłžабвгд中文字漢字ひらがなαβγאבجد", "🚢", "👩‍🚀", "é", "\u202e", "\u00a0"];
const kKey = [...kAscii, ..."/////", ...kAnyScript, "\t", "\u0001", "%2F", "..", "//"];
const kTag = [..."abcXYZ019 +-=._:/@", ..."äé漢ß"];
const kNames = ["owner", "build-id", "expires", "ferry-etag", "source-ferry-etag", "ferry-x", "a_b"];
const kTypes = ["text/plain", "text/html; charset=utf-8", "image/png", "application/x-a+b", "nonsense", "video/"];
const kClasses = ["STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "REDUCED_REDUNDANCY"];
const kClassMap = { STANDARD_IA: "NEARLINE", ONEZONE_IA: "NEARLINE", GLACIER_IR: "COLDLINE" };

/// As somebody writes what no header can hold.
function encodedWord(value) {
  if (chance(50)) return `=?UTF-8?B?${Buffer.from(value).toString("base64")}?=`;
  const quoted = [...Buffer.from(value)].map((byte) => `=${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("");
  return `=?utf-8?q?${quoted}?=`;
}

function bytes() {
  const size = chance(10) ? 0 : chance(5) ? 300_000 : below(4000);
  const all = Buffer.alloc(size);
  for (let i = 0; i < size; i += 1 + below(50)) all[i] = below(256);
  return all;
}

/// Metadata as it is written, and as it must arrive.
function metadata() {
  const written = {}, arrives = {};
  for (let n = below(6); n > 0; n--) {
    const name = chance(30) ? one(kNames) : text(kTokens, 1, 20);
    if (name in written) continue;
    const plain = chance(60) ? text(kAscii, 0, 60).trim().replaceAll("=?", "") : text([...kAscii, ...kAnyScript], 1, 10).trim();
    written[name] = [...plain].every((c) => c >= " " && c <= "~") ? plain : encodedWord(plain);
    arrives[name] = plain;
  }
  return [written, arrives];
}

const kHeaderSafe = /[A-Za-z0-9\-._~!#$&'*+^`|]/;
const tagEntry = (name) =>
  "s3-tag-" +
  [...Buffer.from(name)]
    .map((b) => (kHeaderSafe.test(String.fromCharCode(b)) && b < 0x80 ? String.fromCharCode(b) : `%${b.toString(16).toUpperCase().padStart(2, "0")}`))
    .join("");

/// Names in the order in which they come to the target: none replaces another.
function place(entries, taken) {
  const placed = {};
  for (let [name, value] of entries) {
    if (name.startsWith("ferry-")) name = `source-${name}`;
    while (name in placed || taken.has(name)) name = `source-${name}`;
    placed[name] = value;
  }
  return placed;
}

const keys = new Set();
function freshKey() {
  for (;;) {
    const key = text(kKey, 1, 40);
    const illegal = key === "." || key === ".." || key.startsWith(".well-known/acme-challenge/");
    if (illegal || keys.has(key) || Buffer.byteLength(key) > 1024) continue;
    keys.add(key);
    return key;
  }
}

function object() {
  const Key = freshKey();
  const Body = bytes();
  const [Metadata, arrives] = metadata();
  const input = { Bucket, Key, Body, Metadata };
  const expected = { key: Key, md5: createHash("md5").update(Body).digest("base64"), losses: [] };
  const maybe = (percent, header, field, value) => {
    if (!chance(percent)) return;
    input[header] = value;
    expected[field] = value;
  };
  if (chance(80)) {
    input.ContentType = one(kTypes);
    const legal = !["nonsense", "video/"].includes(input.ContentType);
    expected.contentType = legal ? input.ContentType : "application/octet-stream";
    if (!legal) expected.losses.push("content-type");
  }
  maybe(20, "ContentEncoding", "contentEncoding", one(["gzip", "br", "identity"]));
  maybe(20, "ContentDisposition", "contentDisposition", `attachment; filename="${text(kTokens, 1, 20)} x.bin"`);
  maybe(20, "ContentLanguage", "contentLanguage", one(["de", "en, fr", "zh-Hant"]));
  maybe(20, "CacheControl", "cacheControl", one(["no-cache", "max-age=60, public"]));
  const tags = new Map();
  if (chance(30)) for (let n = 1 + below(10); n > 0; n--) tags.set(text(kTag, 1, 20), text(kTag, 0, 30));
  if (tags.size > 0) {
    input.Tagging = [...tags].map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&");
  }
  input.StorageClass = one(kClasses);
  expected.storageClass = kClassMap[input.StorageClass] ?? "STANDARD";
  if (chance(5)) {
    input.WebsiteRedirectLocation = "/elsewhere";
    expected.losses.push("website-redirect");
  }
  if (chance(5)) {
    input.ObjectLockLegalHoldStatus = "ON";
    expected.losses.push("object-lock");
  }
  // By name, as S3 gives them; then the Expires header, then tags.
  const entries = Object.entries(arrives).sort(([a], [b]) => (a < b ? -1 : 1));
  const users = place(entries, new Set());
  const later = [];
  if (chance(10)) {
    input.Expires = new Date(Date.UTC(2030, below(12), 1 + below(28), below(24)));
    later.push(["expires", input.Expires.toUTCString()]);
  }
  for (const [name, value] of tags) later.push([tagEntry(name), value]);
  expected.metadata = { ...users, ...place(later, new Set(Object.keys(users))) };
  expected.losses.sort();
  return [input, expected];
}

await client.send(new CreateBucketCommand({ Bucket }));
const all = Array.from({ length: Number(count) }, object);
const queue = [...all];
await Promise.all(
  Array.from({ length: 16 }, async () => {
    for (let next = queue.pop(); next; next = queue.pop()) await client.send(new PutObjectCommand(next[0]));
  }),
);
for (const [, expected] of all) console.log(JSON.stringify(expected));
