// Reads a bucket with Google's own client library and compares it with what s3_random.mjs says must be there. What did
// not arrive must be named in the report of the migration, and nothing else may be.
//   node gcs_random_check.mjs ENDPOINT BUCKET EXPECTED_FILE REPORT_FILE
import { readFileSync } from "node:fs";
import { Storage } from "@google-cloud/storage";

const [apiEndpoint, name, expectedFile, reportFile] = process.argv.slice(2);
const storage = new Storage({ apiEndpoint, projectId: "test", useAuthWithCustomEndpoint: false });
const lines = (file) => readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line));
const expected = lines(expectedFile);
const reported = new Map(lines(reportFile).filter((line) => line.outcome === "copied").map((line) => [line.key, line]));
const differences = [];
const differ = (key, what, wanted, got) =>
  differences.push(`${JSON.stringify(key)}: ${what}: ${JSON.stringify(wanted)} became ${JSON.stringify(got)}`);

const [files] = await storage.bucket(name).getFiles();
const found = new Map(files.map((file) => [file.name, file]));
const sorted = (entries) => JSON.stringify([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
for (const wanted of expected) {
  const file = found.get(wanted.key);
  if (!file) {
    differ(wanted.key, "object", "there", "absent");
    continue;
  }
  found.delete(wanted.key);
  for (const [field, value] of Object.entries(wanted)) {
    if (["key", "md5", "losses", "metadata"].includes(field)) continue;
    if (file.metadata[field] !== value) differ(wanted.key, field, value, file.metadata[field]);
  }
  if (file.metadata.md5Hash !== wanted.md5) differ(wanted.key, "md5", wanted.md5, file.metadata.md5Hash);
  const entries = Object.entries(file.metadata.metadata ?? {}).filter(([entry]) => !entry.startsWith("ferry-"));
  if (sorted(entries) !== sorted(Object.entries(wanted.metadata))) differ(wanted.key, "metadata", wanted.metadata, entries);
  const losses = [...(reported.get(wanted.key)?.losses ?? [])].sort();
  if (JSON.stringify(losses) !== JSON.stringify(wanted.losses)) differ(wanted.key, "losses", wanted.losses, losses);
}
for (const key of found.keys()) differ(key, "object", "absent", "there");

const named = expected.filter((wanted) => wanted.losses.length > 0).length;
console.log(JSON.stringify({ objects: expected.length, named, differences: differences.slice(0, 20) }));
process.exit(differences.length === 0 ? 0 : 1);
