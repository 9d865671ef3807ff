// Publishes messages of the smallest form with Google's own client library; PUBSUB_EMULATOR_HOST says where to.
//   node pubsub_publish.mjs PROJECT TOPIC COUNT
import { PubSub } from "@google-cloud/pubsub";

const [projectId, name, count] = process.argv.slice(2);
const pubsub = new PubSub({ projectId });
const topic = pubsub.topic(name, { batching: { maxMessages: 100, maxMilliseconds: 10 } });
const ids = await Promise.all(
  Array.from({ length: Number(count) }, (_, i) =>
    topic.publishMessage({ json: { key: `of a library/${i} \u{1f6a2}`, etag: `"tag-${i}"` } })));
console.log(JSON.stringify({ published: new Set(ids).size }));
await pubsub.close();
