/**
 * Steering adjoints: their time over that of a forward pass, and what a token costs as batch and length grow.
 *
 * @module
 */
import { benchSetting } from "./_setting.ts";
import { activationAdjointWork, forwardWork } from "./_work.ts";
import { lateLayer, openSteering } from "./_workloads.ts";

const setting = await benchSetting();
const { sizes } = setting;
const { model, steerAll, steerLate, rowsOf } = await openSteering(setting);
const { config } = model;
const { rows, seq } = sizes.rows;
const GROUP = "steering adjoint over forward";
const batch = rowsOf(sizes.rows);
const tokens = rows * seq;
const forward = forwardWork(config, { rows, seq });
const late = lateLayer(config.layers);

const forwardName = `forward with log-probabilities, ${rows} rows × ${seq} tokens`;
setting.bench(
  { name: forwardName, unit: "µs/token", tokens, phases: [forward] },
  {
    group: GROUP,
    baseline: "yes",
    fn: async () => void await model.logProbs(batch, { steer: steerAll }),
  },
);
setting.bench(
  {
    name: `forward + steering adjoint of all ${config.layers} layers`,
    unit: "µs/token",
    tokens,
    phases: [forward, activationAdjointWork(config, { rows, seq, lowest: 0 })],
    over: forwardName,
    goal: "≤ 2.5",
  },
  { group: GROUP, fn: async () => void await model.steeringAdjoint(batch, { steer: steerAll }) },
);
setting.bench(
  {
    name: `forward + steering adjoint of layer ${late} alone`,
    unit: "µs/token",
    tokens,
    phases: [forward, activationAdjointWork(config, { rows, seq, lowest: late })],
    over: forwardName,
  },
  { group: GROUP, fn: async () => void await model.steeringAdjoint(batch, { steer: steerLate }) },
);

const grow = (kind: "batch" | "length", size: { readonly rows: number; readonly seq: number }) => {
  const grown = rowsOf({ ...size, from: Math.min(sizes.rows.from, size.seq / 2) });
  setting.bench(
    {
      name: `steering adjoint by ${kind}: ${size.rows} × ${size.seq}`,
      unit: "µs/token",
      tokens: size.rows * size.seq,
      phases: [forwardWork(config, size), activationAdjointWork(config, { ...size, lowest: 0 })],
    },
    {
      group: `steering adjoint by ${kind}`,
      fn: async () => void await model.steeringAdjoint(grown, { steer: steerAll }),
    },
  );
};
for (const rows of sizes.batches) grow("batch", { rows, seq });
for (const length of sizes.lengths.filter((length) => length <= config.maxPositions)) {
  grow("length", { rows: sizes.tokensPerLength / length, seq: length });
}
