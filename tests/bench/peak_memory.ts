/**
 * Does one kind of work and prints the most memory that its process ever held, as JSON. A process never gives its
 * peak back, so each kind needs a process of its own.
 *
 *     deno run --allow-read --allow-write --allow-ffi tests/bench/peak_memory.ts idle|rollout|steering|pretraining
 *
 * @module
 */
import process from "node:process";
import { openCheckpoint } from "../../lib/checkpoint/mod.ts";
import { InputError, tensor } from "../../lib/core/mod.ts";
import { GraphBuilder } from "../../lib/onnx/mod.ts";
import { Session } from "../../lib/runtime/mod.ts";
import type { MemoryPeak } from "../../tasks/_bench_table.ts";
import { benchSetting } from "./_setting.ts";
import { neededBytes } from "./_work.ts";
import { openPretraining, openRollouts, openSteering } from "./_workloads.ts";

const setting = await benchSetting();
const { rollout, rows } = setting.sizes;
const { config } = await openCheckpoint(setting.folder);

const KINDS: Readonly<Record<string, () => Promise<Omit<MemoryPeak, "peakBytes">>>> = {
  async idle() {
    const g = new GraphBuilder("idle");
    g.output("y", g.apply("Neg", [g.input("x", "float32", [])]));
    const session = await Session.create(g.build(), { threads: setting.threads });
    await session.run({ x: tensor("float32", [], [1]) });
    return { name: "peak memory of an empty program", neededBytes: null };
  },
  async rollout() {
    const runner = await openRollouts(setting);
    await runner.run(rollout);
    return {
      name:
        `peak memory, rollout of ${rollout.rows} rows × (${rollout.prompt} + ${rollout.newTokens}) tokens`,
      neededBytes: neededBytes.rollout(config, rollout),
    };
  },
  async steering() {
    const { model, steerAll, rowsOf } = await openSteering(setting);
    await model.steeringAdjoint(rowsOf(rows), { steer: steerAll });
    return {
      name: `peak memory, steering adjoint of ${rows.rows} rows × ${rows.seq} tokens`,
      neededBytes: neededBytes.steering(config, rows),
    };
  },
  async pretraining() {
    const { config: training, tokens, documents } = await openPretraining(setting);
    const { documentsPerStep, microBatch } = training.training;
    const batch = { rows: Math.min(microBatch, documentsPerStep), seq: tokens / documents };
    return {
      name: `peak memory, pretraining with micro-batches of ${batch.rows} documents`,
      neededBytes: neededBytes.pretraining(training.model, batch),
    };
  },
};

const kind = setting.words[0] ?? "";
const work = KINDS[kind];
if (work === undefined) {
  throw new InputError(`unknown kind "${kind}"`, {
    repair: `choose one of ${Object.keys(KINDS).join(", ")}`,
  });
}
const done = await work();
// maxRSS is in KiB.
const peak: MemoryPeak = { ...done, peakBytes: process.resourceUsage().maxRSS * 1024 };
console.log(JSON.stringify(peak));
