// The yardstick of taking results in: BullMQ on Redis works off one job for each line of a file of results, and each job
// stores its result with one write.
//
//   node bullmq.mjs RESULTS.jsonl PORT
//
// Prints {"jobs": …, "seconds": …}: the time from the first job at work to the last one done.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { Queue, Worker } from "bullmq";

const [file, port] = process.argv.slice(2);
const connection = { host: "127.0.0.1", port: Number(port), maxRetriesPerRequest: null };
const queue = new Queue("results", { connection });

let jobs = 0;
let pile = [];
const add = async () => {
  await queue.addBulk(pile.map((line) => ({ name: "result", data: line, opts: { removeOnComplete: true } })));
  pile = [];
};
for await (const line of createInterface({ input: createReadStream(file) })) {
  pile.push(line);
  jobs += 1;
  if (pile.length === 1000) await add();
}
await add();

const redis = await queue.client;
let done = 0;
const begin = process.hrtime.bigint();
await new Promise((resolve, reject) => {
  const worker = new Worker(
    "results",
    async (job) => {
      const result = JSON.parse(job.data);
      await redis.set(`result:${result.custom_id ?? result.key}`, job.data);
    },
    { connection, concurrency: 200 },
  );
  worker.on("completed", () => {
    done += 1;
    if (done === jobs) resolve(worker.close(true));
  });
  worker.on("failed", (_, error) => reject(error));
  worker.on("error", reject);
});
const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
console.log(JSON.stringify({ jobs, seconds }));
process.exit(0);
