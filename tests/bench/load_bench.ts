/**
 * Loading: from a folder to a session that can run, with the files in the system's memory already.
 *
 * @module
 */
import { openCheckpoint } from "../../lib/checkpoint/mod.ts";
import { sequenceGraph } from "../../lib/probe/mod.ts";
import { Session } from "../../lib/runtime/mod.ts";
import { benchSetting } from "./_setting.ts";
import { openRollouts } from "./_workloads.ts";

const setting = await benchSetting();
const { weights } = await openCheckpoint(setting.folder);
const bytes = [...weights.values()].reduce((sum, { length }) => sum + length, 0);
const phases = [{ flops: 0, bytes }];

setting.bench({ name: "load: folder to checked checkpoint", unit: "ms", tokens: 0, phases }, {
  group: "load",
  fn: async () => void await openCheckpoint(setting.folder),
});
setting.bench({ name: "load: folder to rollout session", unit: "ms", tokens: 0, phases }, {
  group: "load",
  fn: async () => {
    const runner = await openRollouts(setting);
    await runner.release();
  },
});
setting.bench({ name: "load: folder to steering session", unit: "ms", tokens: 0, phases }, {
  group: "load",
  fn: async () => {
    const checkpoint = await openCheckpoint(setting.folder);
    const { config } = checkpoint;
    const steer = Array.from({ length: config.layers }, (_, layer) => layer);
    const outputs = { logProbs: true, steeringAdjoint: true };
    const session = await Session.create(
      sequenceGraph({ config, weights: checkpoint, edits: { steer }, outputs }),
      { threads: setting.threads, weightsFolder: checkpoint.weightsFolder, packWeights: false },
    );
    await session.release();
  },
});
