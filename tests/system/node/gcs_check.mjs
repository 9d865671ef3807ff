// Reads a bucket with Google's own client library and compares it with what s3_fill.mjs stored on the other side.
//   node gcs_check.mjs ENDPOINT BUCKET MANIFEST_FILE
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Storage } from "@google-cloud/storage";

const [apiEndpoint, name, file] = process.argv.slice(2);
const storage = new Storage({ apiEndpoint, projectId: "test", useAuthWithCustomEndpoint: false });
const manifest = JSON.parse(readFileSync(file, "utf8"));
const differences = [];
const differ = (key, what, wanted, got) =>
  differences.push(`${JSON.stringify(key)}: ${what}: ${JSON.stringify(wanted)} became ${JSON.stringify(got)}`);

const found = new Map();
let query = { maxResults: 5, autoPaginate: false };
while (query) {
  const [page, next] = await storage.bucket(name).getFiles(query);
  for (const one of page) found.set(one.name, one);
  query = next;
}
for (const wanted of manifest) {
  const object = found.get(wanted.key);
  if (!object) {
    differ(wanted.key, "object", "there", "absent");
    continue;
  }
  found.delete(wanted.key);
  const [metadata] = await object.getMetadata();
  const [bytes] = await object.download({ decompress: false, validation: wanted.contentEncoding ? false : "crc32c" });
  const digest = createHash("sha256").update(bytes).digest("hex");
  if (digest !== wanted.sha256) differ(wanted.key, "bytes", wanted.sha256, digest);
  if (Number(metadata.size) !== wanted.size) differ(wanted.key, "size", wanted.size, metadata.size);
  for (const header of ["contentType", "contentEncoding", "contentDisposition", "contentLanguage", "cacheControl"]) {
    if (wanted[header] !== null && metadata[header] !== wanted[header]) {
      differ(wanted.key, header, wanted[header], metadata[header]);
    }
  }
  const users = Object.entries(metadata.metadata ?? {}).filter(([key]) => !key.startsWith("ferry-"));
  const sorted = (entries) => JSON.stringify([...entries].sort());
  if (sorted(users) !== sorted(Object.entries(wanted.metadata))) differ(wanted.key, "metadata", wanted.metadata, users);
}
for (const key of found.keys()) differ(key, "object", "absent", "there");

console.log(JSON.stringify({ objects: manifest.length, differences }));
process.exit(differences.length === 0 ? 0 : 1);
