// Consumes COUNT different messages with Google's own client library, acks them and prints them as JSON lines.
//   node pubsub_consume.mjs PROJECT SUBSCRIPTION COUNT
import { PubSub } from "@google-cloud/pubsub";

const [projectId, name, count] = process.argv.slice(2);
const pubsub = new PubSub({ projectId });
const subscription = pubsub.subscription(name, { closeOptions: { behavior: "WAIT_FOR_PROCESSING" } });
const seen = new Set();
await new Promise((resolve, reject) => {
  subscription.on("error", reject);
  subscription.on("message", (message) => {
    message.ack();
    if (!seen.has(message.id)) {
      console.log(JSON.stringify({ data: JSON.parse(message.data.toString()), attributes: message.attributes }));
    }
    seen.add(message.id);
    if (seen.size === Number(count)) resolve();
  });
});
await subscription.close();
await pubsub.close();
