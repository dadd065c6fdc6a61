/**
 * Does one kind of work twice and prints, as JSON, the most memory that its process ever held and the seconds of the
 * second time. A process never gives its peak back, so each kind needs a process of its own.
 *
 *     deno run --allow-read --allow-write --allow-ffi tests/bench/peak_memory.ts idle|rollout|steering|long|patching|pretraining
 *
 * @module
 */
import process from "node:process";
import { openCheckpoint } from "../../lib/checkpoint/mod.ts";
import { InputError, tensor } from "../../lib/core/mod.ts";
import type { SiteName } from "../../lib/model/mod.ts";
import { GraphBuilder } from "../../lib/onnx/mod.ts";
import { Session } from "../../lib/runtime/mod.ts";
import type { MemoryPeak } from "../../tasks/model/bench_table.ts";
import { benchSetting } from "./_setting.ts";
import { neededBytes, type Rows } from "./_work.ts";
import { openPretraining, openRollouts, openSteering, randomRows } from "./_workloads.ts";

const setting = await benchSetting();
const { rollout, rows, longRows, patched } = setting.sizes;
const { config } = await openCheckpoint(setting.folder);

/** A kind of work: its name, what it needs at least, and doing it. */
interface Work extends Pick<MemoryPeak, "name" | "neededBytes"> {
  readonly run: () => Promise<unknown>;
}

async function steering({ rows, seq, from }: Rows & { readonly from: number }): Promise<Work> {
  const { model, steerAll, rowsOf } = await openSteering(setting);
  const weighted = rowsOf({ rows, seq, from });
  return {
    name: `steering adjoint of ${rows} rows × ${seq} tokens`,
    neededBytes: neededBytes.steering(config, { rows, seq }),
    run: () => model.steeringAdjoint(weighted, { steer: steerAll }),
  };
}

const KINDS: Readonly<Record<string, () => Promise<Work>>> = {
  async idle() {
    const g = new GraphBuilder("idle");
    g.output("y", g.apply("Neg", [g.input("x", "float32", [])]));
    const session = await Session.create(g.build(), { threads: setting.threads });
    return {
      name: "an empty program",
      neededBytes: null,
      run: () => session.run({ x: tensor("float32", [], [1]) }),
    };
  },
  async rollout() {
    const runner = await openRollouts(setting);
    return {
      name: `rollout of ${rollout.rows} rows × (${rollout.prompt} + ${rollout.newTokens}) tokens`,
      neededBytes: neededBytes.rollout(config, rollout),
      run: () => runner.run(rollout),
    };
  },
  steering: () => steering(rows),
  long: () => {
    const seq = Math.min(longRows.seq, config.maxPositions);
    return steering({ rows: longRows.rows, seq, from: seq / 2 });
  },
  async patching() {
    const { model } = await openSteering(setting);
    const [clean, corrupt] = randomRows("patched", { rows: 2, seq: patched, vocab: config.vocab });
    const sites = Array.from({ length: config.layers }, (_, layer): SiteName => `blocks.${layer}.resid_post`);
    return {
      name: `patching ${config.layers} layers × ${patched} positions, one site per call`,
      neededBytes: neededBytes.steering(config, { rows: 1, seq: patched }),
      async run() {
        const { taps } = await model.run([clean as number[]], { taps: sites, logits: false });
        for (const site of sites) {
          for (let position = 0; position < patched; position++) {
            const mask = tensor(
              "bool",
              [1, patched],
              new Uint8Array(patched).fill(1, position, position + 1),
            );
            const value = taps.get(site);
            if (value === undefined) throw new Error(`no value of ${site}`);
            await model.run([corrupt as number[]], { patches: new Map([[site, { value, mask }]]) });
          }
        }
      },
    };
  },
  async pretraining() {
    const { config: training, tokens, documents, run } = await openPretraining(setting);
    const { documentsPerStep, microBatch } = training.training;
    const batch = { rows: Math.min(microBatch, documentsPerStep), seq: tokens / documents };
    return {
      name: `pretraining with micro-batches of ${batch.rows} documents`,
      neededBytes: neededBytes.pretraining(training.model, batch),
      run,
    };
  },
};

const kind = setting.words[0] ?? "", open = KINDS[kind];
if (open === undefined) {
  throw new InputError(`unknown kind "${kind}"`, {
    repair: `choose one of ${Object.keys(KINDS).join(", ")}`,
  });
}
const { name, neededBytes: needed, run } = await open();
await run();
const start = performance.now();
await run();
const seconds = (performance.now() - start) / 1000;
// maxRSS is in KiB.
const peak: MemoryPeak = {
  name,
  neededBytes: needed,
  seconds,
  peakBytes: process.resourceUsage().maxRSS * 1024,
};
console.log(JSON.stringify(peak));
