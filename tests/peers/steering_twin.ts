/**
 * The TypeScript side of the side-by-side: reads one command per line, does it, and answers with one line. The
 * Python side owns the clock's order, so that both sides do the same work by turns on an otherwise idle machine.
 *
 *     {"do":"sample","rows":8}        → {"seconds":…}
 *     {"do":"steer","layers":[0,1]}   → {"seconds":…}
 *     {"do":"check"}                  → {"tokens":[[…]],"logProbs":[[…]],"adjoints":{"0":[…]}}
 *
 * @module
 */
import { z } from "zod";
import { benchSetting } from "../bench/_setting.ts";
import { lateLayer, openRollouts, openSteering } from "../bench/_workloads.ts";

const COMMAND = z.discriminatedUnion("do", [
  z.strictObject({ do: z.literal("sample"), rows: z.int().positive() }),
  z.strictObject({ do: z.literal("steer"), layers: z.array(z.int()).min(1) }),
  z.strictObject({ do: z.literal("check") }),
]);

const setting = await benchSetting();
const { rollout, rows: rowSize } = setting.sizes;
const rollouts = await openRollouts(setting);
const { model, steerAll, rowsOf } = await openSteering(setting);
const rows = rowsOf(rowSize);
const steered = (layers: readonly number[]) =>
  new Map(layers.map((layer) => [layer, new Float32Array(model.config.embed)]));

async function answer(command: z.infer<typeof COMMAND>): Promise<Record<string, unknown>> {
  const start = performance.now();
  const seconds = () => ({ seconds: (performance.now() - start) / 1000 });
  switch (command.do) {
    case "sample":
      await rollouts.run({ ...rollout, rows: command.rows });
      return seconds();
    case "steer":
      await model.steeringAdjoint(rows, { steer: steered(command.layers) });
      return seconds();
    case "check": {
      const made = await rollouts.run(rollout);
      const { adjoints } = await model.steeringAdjoint(rows, { steer: steerAll });
      return {
        tokens: made.map(({ promptTokens, tokens }) => [...promptTokens, ...tokens]),
        logProbs: made.map(({ logProbs }) => logProbs),
        adjoints: Object.fromEntries([...adjoints].map(([layer, adjoint]) => [layer, [...adjoint]])),
      };
    }
  }
}

console.log(JSON.stringify({
  model: setting.folder,
  rollout,
  prompts: (await rollouts.run({ ...rollout, newTokens: 2 })).map(({ promptTokens }) => promptTokens),
  rows: rows.map(({ tokens }) => tokens),
  from: rowSize.from,
  lateLayer: lateLayer(model.config.layers),
}));

let pending = "";
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (pending + text).split("\n");
  pending = lines.pop() ?? "";
  for (const line of lines) console.log(JSON.stringify(await answer(COMMAND.parse(JSON.parse(line)))));
}
await rollouts.release();
await model.release();
