// Fills a bucket with Amazon's own client library, in every way in which it uploads, and prints what it stored.
//   node s3_fill.mjs ENDPOINT ACCESS_KEY_ID SECRET_ACCESS_KEY BUCKET
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";

const [endpoint, accessKeyId, secretAccessKey, Bucket] = process.argv.slice(2);
const client = new S3Client({
  endpoint,
  region: "us-east-1",
  forcePathStyle: true,
  credentials: { accessKeyId, secretAccessKey },
  maxAttempts: 1,
});

const MIB = 1024 * 1024;
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
function noise(size, seed) {
  const bytes = Buffer.alloc(size);
  let state = seed;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

const manifest = [];
function note(Key, bytes, input = {}) {
  manifest.push({
    key: Key,
    size: bytes.length,
    sha256: sha256(bytes),
    contentType: input.ContentType ?? null,
    contentEncoding: input.ContentEncoding ?? null,
    contentDisposition: input.ContentDisposition ?? null,
    contentLanguage: input.ContentLanguage ?? null,
    cacheControl: input.CacheControl ?? null,
    metadata: input.Metadata ?? {},
  });
}

async function put(Key, bytes, input = {}) {
  await client.send(new PutObjectCommand({ Bucket, Key, Body: bytes, ...input }));
  note(Key, bytes, input);
}

// Its length is not known beforehand to the signer: an aws-chunked body with a checksum in the trailer.
async function putStream(Key, bytes, ChecksumAlgorithm) {
  const { Readable } = await import("node:stream");
  const pieces = [];
  for (let at = 0; at < bytes.length; at += 60000) pieces.push(bytes.subarray(at, at + 60000));
  const Body = Readable.from(pieces);
  await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentLength: bytes.length, ChecksumAlgorithm }));
  note(Key, bytes);
}

async function putParts(Key, parts, input = {}) {
  const { ChecksumAlgorithm } = input;
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...input }));
  const Parts = [];
  for (const [i, Body] of parts.entries()) {
    const PartNumber = i + 1;
    const sent = await client.send(
      new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ChecksumAlgorithm }));
    const { ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA256 } = sent;
    Parts.push({ PartNumber, ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumCRC64NVME, ChecksumSHA256 });
  }
  await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
  note(Key, Buffer.concat(parts), input);
}

await client.send(new CreateBucketCommand({ Bucket }));

await put("plain.txt", Buffer.from("hello"), { ContentType: "text/plain" });
await put("empty", Buffer.alloc(0));
await put("dir/", Buffer.alloc(0));
await put("headers", noise(100_000, 1), {
  ContentType: "application/x-test; charset=utf-8",
  ContentDisposition: 'attachment; filename="a b.bin"',
  ContentLanguage: "de, en",
  CacheControl: "max-age=60, no-transform",
  Metadata: { colour: "green", "build-id": "a/b=c;d", empty: "" },
});
await put("gzip.txt", gzipSync(Buffer.from("stored compressed, must stay so ".repeat(1000))), {
  ContentType: "text/plain",
  ContentEncoding: "gzip",
});
for (const algorithm of ["CRC32", "CRC32C", "SHA1", "SHA256"]) {
  await put(`checksum/${algorithm}`, noise(300_001, 7), { ChecksumAlgorithm: algorithm });
}
await putStream("stream/crc32", noise(700_001, 8), "CRC32");
await putStream("stream/sha256", noise(700_001, 9), "SHA256");

await putParts("parts/two", [noise(5 * MIB, 10), noise(3 * MIB + 17, 11)]);
await putParts("parts/uneven", [noise(6 * MIB, 12), noise(5 * MIB, 13), noise(1, 14)], {
  ContentType: "video/x-test",
  Metadata: { owner: "team a" },
});
await putParts("parts/crc32c", [noise(5 * MIB, 15), noise(100, 16)], { ChecksumAlgorithm: "CRC32C" });
await putParts("parts/crc64nvme", [noise(5 * MIB, 17), noise(100, 18)], {
  ChecksumAlgorithm: "CRC64NVME",
  ChecksumType: "FULL_OBJECT",
});
await putParts("parts/sha256", [noise(5 * MIB, 19), noise(100, 20)], { ChecksumAlgorithm: "SHA256" });

const names = [
  "a//b", "a+b", "a b", "a%2Fb", "a&b=c", "a?b#c", "q'\"<>", "back\\slash", "[star*]", "tab\tkey",
  "ünïcode/ключ/鍵/🚢", "u\u0308 decomposed", "ü composed", "case/KEY", "case/key", "~tilde", ".hidden", "a/../b",
  "k".repeat(1024),
];
for (const [i, name] of names.entries()) await put(name, noise(50 + i, 100 + i));

// The library reads back what the server says it stored, and checks the checksums that come with it.
let seen = 0;
let ContinuationToken;
do {
  const page = await client.send(new ListObjectsV2Command({ Bucket, MaxKeys: 7, ContinuationToken }));
  for (const { Key, Size } of page.Contents ?? []) {
    const wanted = manifest.find((entry) => entry.key === Key);
    if (!wanted || wanted.size !== Size) throw new Error(`listed ${JSON.stringify(Key)}, ${Size} B`);
    const got = await client.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));
    if (sha256(await got.Body.transformToByteArray()) !== wanted.sha256) throw new Error(`read back ${Key}`);
    seen++;
  }
  ContinuationToken = page.NextContinuationToken;
} while (ContinuationToken);
if (seen !== manifest.length) throw new Error(`listed ${seen} of ${manifest.length}`);

console.log(JSON.stringify(manifest));
