/**
 * Pretraining: tokens per second of whole steps, from documents to updated weights.
 *
 * @module
 */
import { benchSetting } from "./_setting.ts";
import { pretrainingWork } from "./_work.ts";
import { openPretraining } from "./_workloads.ts";

const setting = await benchSetting();
const { config, tokens, documents, run } = await openPretraining(setting);
const { steps, documentsPerStep } = setting.sizes;

// Rows of equal length need the least attention for so many tokens, so the floor stays a floor.
const seq = tokens / documents;
const phases = Array.from(
  { length: steps },
  () => pretrainingWork(config.model, { rows: documentsPerStep, seq }),
);

setting.bench(
  {
    name: `pretraining, steps of ${documentsPerStep} documents`,
    unit: "tokens/s",
    tokens,
    phases: phases.flat(),
  },
  {
    group: "pretraining",
    fn: (context) => run({ start: () => context.start(), end: () => context.end() }),
  },
);
