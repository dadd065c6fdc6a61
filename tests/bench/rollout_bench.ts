/**
 * Sampling: new tokens per second of one batch, and what a token costs as batch and length grow.
 *
 * @module
 */
import { benchSetting } from "./_setting.ts";
import { rolloutWork } from "./_work.ts";
import { openRollouts } from "./_workloads.ts";

const setting = await benchSetting();
const { sizes } = setting;
const runner = await openRollouts(setting);
const { config } = runner;
const size = sizes.rollout;

setting.bench(
  {
    name: `rollout, ${size.rows} rows × (${size.prompt} + ${size.newTokens}) tokens`,
    unit: "tokens/s",
    tokens: size.rows * size.newTokens,
    phases: [...rolloutWork(config, size)],
  },
  { group: "rollout", fn: async () => void await runner.run(size) },
);

for (const rows of sizes.batches) {
  const grown = { ...size, rows };
  setting.bench(
    {
      name: `rollout by batch: ${rows} × (${size.prompt} + ${size.newTokens})`,
      unit: "µs/token",
      tokens: rows * size.newTokens,
      phases: [...rolloutWork(config, grown)],
    },
    { group: "rollout by batch", fn: async () => void await runner.run(grown) },
  );
}

for (const length of sizes.lengths.filter((length) => length <= config.maxPositions)) {
  const prompt = Math.min(32, length / 2);
  const grown = { rows: 16, prompt, newTokens: length - prompt };
  setting.bench(
    {
      name: `rollout by length: 16 × (${prompt} + ${grown.newTokens})`,
      unit: "µs/token",
      tokens: grown.rows * grown.newTokens,
      phases: [...rolloutWork(config, grown)],
    },
    { group: "rollout by length", fn: async () => void await runner.run(grown) },
  );
}
