// Publishes the lines of a file, each as it is, with Google's own client library; PUBSUB_EMULATOR_HOST says where to.
//   node pubsub_publish.mjs PROJECT TOPIC FILE
import { readFileSync } from "node:fs";
import { PubSub } from "@google-cloud/pubsub";

const [projectId, name, file] = process.argv.slice(2);
const lines = readFileSync(file).toString().split("\n").slice(0, -1);
const pubsub = new PubSub({ projectId });
const topic = pubsub.topic(name, { batching: { maxMessages: 100, maxMilliseconds: 10 } });
// A message needs data or attributes.
const ids = await Promise.all(
  lines.map((line) => topic.publishMessage(line ? { data: Buffer.from(line) } : { attributes: { schema: "1" } })));
console.log(JSON.stringify({ published: new Set(ids).size }));
await pubsub.close();
