/**
 * Does one kind of work under ONNX Runtime's profiler and prints, as JSON, what share of the time each kind of node
 * takes. The profiler itself costs a few microseconds per node, so that small nodes seem larger than they are.
 *
 *     deno run --allow-read --allow-write --allow-ffi tests/bench/node_shares.ts rollout|steering
 *
 * @module
 */
import { z } from "zod";
import { InputError } from "../../lib/core/mod.ts";
import { endProfiling, startProfiling } from "../../lib/runtime/mod.ts";
import type { NodeShares } from "../../tasks/model/bench_table.ts";
import { benchSetting } from "./_setting.ts";
import { openRollouts, openSteering } from "./_workloads.ts";

/** What is read of a profile: times of kernels in microseconds. */
const PROFILE = z.array(z.object({
  cat: z.string(),
  name: z.string(),
  dur: z.number().optional(),
  args: z.object({ op_name: z.string().optional() }).optional(),
}));

const setting = await benchSetting();
const { rollout, rows } = setting.sizes;

const KINDS: Readonly<Record<string, () => Promise<string>>> = {
  async rollout() {
    const runner = await openRollouts(setting);
    await runner.run(rollout);
    return `rollout of ${rollout.rows} rows × (${rollout.prompt} + ${rollout.newTokens}) tokens`;
  },
  async steering() {
    const { model, steerAll, rowsOf } = await openSteering(setting);
    await model.steeringAdjoint(rowsOf(rows), { steer: steerAll });
    return `steering adjoint of ${rows.rows} rows × ${rows.seq} tokens`;
  },
};

/** The names under which one product is written. */
const NAMES: Readonly<Record<string, string>> = { FusedMatMul: "MatMul" };

/** Sums the times of all kernels by operation; a loop's own time is that of its body, which is counted already. */
function sharesOf(profile: z.infer<typeof PROFILE>): NodeShares["shares"] {
  const times = new Map<string, number>();
  for (const { cat, name, dur = 0, args } of profile) {
    const op = args?.op_name;
    if (cat !== "Node" || op === undefined || op === "Loop" || !name.endsWith("_kernel_time")) continue;
    const kind = NAMES[op] ?? op;
    times.set(kind, (times.get(kind) ?? 0) + dur);
  }
  const whole = [...times.values()].reduce((sum, time) => sum + time, 0);
  return [...times].sort(([, a], [, b]) => b - a).map(([kind, time]) => ({ kind, share: time / whole }));
}

const kind = setting.words[0] ?? "";
const work = KINDS[kind];
if (work === undefined) {
  throw new InputError(`unknown kind "${kind}"`, {
    repair: `choose one of ${Object.keys(KINDS).join(", ")}`,
  });
}
const prefix = `${setting.scratch}/profile-${kind}`;
startProfiling(prefix);
const name = await work();
endProfiling();
const profile: z.infer<typeof PROFILE> = [];
for (const file of Deno.readDirSync(setting.scratch)) {
  if (!file.name.startsWith(`profile-${kind}`)) continue;
  profile.push(...PROFILE.parse(JSON.parse(await Deno.readTextFile(`${setting.scratch}/${file.name}`))));
}
const shares: NodeShares = { name, shares: sharesOf(profile) };
console.log(JSON.stringify(shares));
