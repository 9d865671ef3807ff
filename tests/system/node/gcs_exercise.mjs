// Works on a bucket with Google's own client library in the ways that our program depends on; throws at the first surprise.
//   node gcs_exercise.mjs ENDPOINT BUCKET
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Storage } from "@google-cloud/storage";

const [apiEndpoint, name] = process.argv.slice(2);
const storage = new Storage({
  apiEndpoint,
  projectId: "test",
  useAuthWithCustomEndpoint: false,
  retryOptions: { autoRetry: false },
});
const MIB = 1024 * 1024;
const md5 = (bytes) => createHash("md5").update(bytes).digest("base64");
const refusedWith = (status) => (error) => error.code === status || error.status === status;

await storage.createBucket(name);
const bucket = storage.bucket(name);

// One request, with metadata.
const small = bucket.file("small ü/a+b%2F?.txt");
await small.save("hello", {
  resumable: false,
  validation: "md5",
  metadata: { contentType: "text/plain", cacheControl: "no-cache", metadata: { owner: "J\u00fcrgen \u{1f6a2}" } },
});
let [metadata] = await small.getMetadata();
assert.equal(metadata.contentType, "text/plain");
assert.equal(metadata.cacheControl, "no-cache");
assert.equal(metadata.metadata.owner, "J\u00fcrgen \u{1f6a2}");
assert.equal(metadata.md5Hash, md5("hello"));
assert.equal((await small.download())[0].toString(), "hello");
assert.equal((await small.download({ start: 1, end: 3 }))[0].toString(), "ell");

// A resumable session, in one go and in chunks.
const big = randomBytes(3 * MIB + 17);
for (const [key, chunkSize] of [["whole", undefined], ["chunked", MIB]]) {
  const file = bucket.file(key);
  await file.save(big, { resumable: true, chunkSize, validation: "crc32c" });
  [metadata] = await file.getMetadata();
  assert.equal(Number(metadata.size), big.length);
  assert.equal(metadata.md5Hash, md5(big));
  assert.deepEqual((await file.download())[0], big);
}

// Preconditions, also when a session completes.
const guarded = bucket.file("guarded", { preconditionOpts: { ifGenerationMatch: 0 } });
for (const resumable of [false, true]) {
  await bucket.file("guarded").delete({ ignoreNotFound: true });
  await guarded.save("first", { resumable, preconditionOpts: { ifGenerationMatch: 0 } });
  await assert.rejects(guarded.save("second", { resumable, preconditionOpts: { ifGenerationMatch: 0 } }), refusedWith(412));
  assert.equal((await bucket.file("guarded").download())[0].toString(), "first");
}
[metadata] = await bucket.file("guarded").getMetadata();
const { generation } = metadata;
await bucket.file("guarded").save("third", { resumable: true, preconditionOpts: { ifGenerationMatch: generation } });
[metadata] = await bucket.file("guarded").getMetadata();
assert.notEqual(metadata.generation, generation);
await assert.rejects(bucket.file("guarded").delete({ ifGenerationMatch: generation }), refusedWith(412));

// A wrong hash is refused and leaves nothing.
await assert.rejects(
  bucket.file("wrong").save("bytes", { resumable: false, validation: false, metadata: { md5Hash: md5("others") } }),
  refusedWith(400));
assert.deepEqual(await bucket.file("wrong").exists(), [false]);

// Listing in order, page by page.
for (const key of ["list/c", "list/a", "list/b"]) await bucket.file(key).save("x", { resumable: false });
const names = [];
let query = { prefix: "list/", maxResults: 2, autoPaginate: false };
while (query) {
  const [page, next] = await bucket.getFiles(query);
  names.push(...page.map((file) => file.name));
  query = next;
}
assert.deepEqual(names, ["list/a", "list/b", "list/c"]);

await small.delete();
await assert.rejects(small.getMetadata(), refusedWith(404));
console.log("done");
