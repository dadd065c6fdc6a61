/**
 * table5: how everything was trained, next to the paper's settings. The number is our assignment.
 *
 * @module
 */
import {
  type Bench,
  type Findings,
  NotApplicable,
  type Reproduction,
  type RunName,
  type TrainingRecord,
  type ZooModel,
} from "../lib/experiment/mod.ts";
import { figureSpec, type MetricValue, type TableCell, type TableRow, textTable } from "../lib/report/mod.ts";
import { ADAMW_DEFAULTS, leaveOneOutAdvantages, type SteeringConfig } from "../lib/train/mod.ts";
import { settingCells } from "./_paper_cells.ts";
import { openEach } from "./_roles.ts";
import { layerRuns } from "./_single_layer.ts";

const ROLES = ["a", "b"] as const;
type Role = typeof ROLES[number];

/** Settings that every run of a model shares, but for the steps of single layers, with their titles in the table and what they count. */
const SETTINGS: readonly {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly of: (config: SteeringConfig) => number;
}[] = [
  { name: "steps", title: "Optimizer steps, all layers", unit: "steps", of: ({ steps }) => steps },
  { name: "prompts_per_step", title: "Problems per step", unit: "problems", of: ({ prompts }) => prompts },
  {
    name: "samples_per_prompt",
    title: "Completions per problem",
    unit: "samples",
    of: ({ samples }) => samples,
  },
  {
    name: "max_new_tokens",
    title: "Most tokens of a completion",
    unit: "tokens",
    of: ({ maxNewTokens }) => maxNewTokens,
  },
  {
    name: "warmup_share",
    title: "Warm-up, share of the steps",
    unit: "share",
    of: ({ warmupShare }) => warmupShare,
  },
  { name: "max_norm", title: "Adjoints clipped to norm", unit: "norm", of: ({ maxNorm }) => maxNorm },
  { name: "families", title: "Problem families", unit: "families", of: ({ families }) => families.length },
];

/** Settings that the code fixes for every run. */
const FIXED: readonly { readonly name: string; readonly title: string; readonly unit: string }[] = [
  { name: "adam.beta_1", title: "AdamW β₁", unit: "share" },
  { name: "adam.beta_2", title: "AdamW β₂", unit: "share" },
  { name: "adam.epsilon", title: "AdamW ε", unit: "adjoint" },
  { name: "advantage.lone_right", title: "Advantage of the one right sample of a problem", unit: "reward" },
  { name: "advantage.lone_wrong", title: "Advantage of the wrong ones beside it", unit: "reward" },
];

/** The value that all of a list share, as a metric; null with a note where they differ. */
function agreed(
  name: string,
  options: { readonly unit: string; readonly of: readonly number[] },
): MetricValue {
  const { unit, of } = options;
  const [value, ...others] = [...new Set(of)].sort((a, b) => a - b);
  if (value === undefined) return { name, value: null, unit, note: "There is no such run." };
  return others.length > 0
    ? { name, value: null, unit, note: `Runs differ: ${[value, ...others].join(", ")}.` }
    : { name, value, unit };
}

/** Peak rates by layer of records that train the same layers. */
function rateAt(records: readonly TrainingRecord[], layer: number): readonly number[] {
  return records.flatMap(({ config: { layers, learningRates } }) => {
    const rate = learningRates[layers.indexOf(layer)];
    return rate === undefined ? [] : [rate];
  });
}

interface ModelRecords {
  readonly role: Role;
  readonly zoo: ZooModel;
  readonly all: readonly TrainingRecord[];
  readonly layers: readonly (readonly TrainingRecord[])[];
  readonly adapters: readonly TrainingRecord[];
  readonly full: readonly TrainingRecord[];
}

async function recordsOf(role: Role, zoo: ZooModel): Promise<ModelRecords> {
  const layers: (readonly TrainingRecord[])[] = [];
  const read = (run: RunName | "full") => zoo.trainingRecords(run);
  const planned = async (run: RunName | "full") => {
    try {
      return await read(run);
    } catch (error) {
      if (!(error instanceof NotApplicable)) throw error;
      return [];
    }
  };
  const all = await read("all");
  for (const run of layerRuns(zoo)) layers.push(await read(run));
  return { role, zoo, all, layers, adapters: await planned("adapter-all"), full: await planned("full") };
}

function metricsOf({ role, zoo, all, layers, adapters, full }: ModelRecords): readonly MetricValue[] {
  // How long a vector of one layer was trained, the other table says.
  const together = [...all, ...adapters, ...full], every = [...together, ...layers.flat()];
  const byLayer = (metric: (layer: number) => MetricValue) =>
    Array.from({ length: zoo.layers }, (_, layer) => metric(layer));
  const rate = "per step";
  return [
    ...SETTINGS.map(({ name, unit, of }) =>
      agreed(`${name}.${role}`, {
        unit,
        of: (name === "steps" ? together : every).map(({ config }) => of(config)),
      })
    ),
    {
      name: `training_seeds.${role}`,
      value: Math.min(...layers.map((records) => records.length)),
      unit: "seeds",
      note: "Of single-layer vectors; the fewest of a layer.",
    },
    agreed(`learning_rate.${role}.full`, {
      unit: rate,
      of: full.flatMap(({ config }) => config.learningRates),
    }),
    ...byLayer((layer) =>
      agreed(`learning_rate.${role}.adapters.layer_${layer}`, { unit: rate, of: rateAt(adapters, layer) })
    ),
    ...byLayer((layer) =>
      agreed(`learning_rate.${role}.all_layers.layer_${layer}`, { unit: rate, of: rateAt(all, layer) })
    ),
    ...byLayer((layer) =>
      agreed(`learning_rate.${role}.layer_${layer}`, { unit: rate, of: rateAt(layers[layer] ?? [], layer) })
    ),
    ...byLayer((layer) =>
      agreed(`checkpoint.${role}.layer_${layer}`, {
        unit: "steps",
        of: (layers[layer] ?? []).map(({ config }) => config.steps),
      })
    ),
  ];
}

/** What the code fixes: AdamW's settings, and the advantages of a group with one right sample. */
function fixedMetrics(samples: number): readonly MetricValue[] {
  const rewards = Array.from({ length: samples }, (_, index) => index === 0 ? 1 : -1);
  const [right = null, wrong = null] = leaveOneOutAdvantages(rewards);
  const values = [...ADAMW_DEFAULTS.betas, ADAMW_DEFAULTS.epsilon, right, wrong];
  return FIXED.map(({ name, unit }, index): MetricValue => ({ name, value: values[index] ?? null, unit }));
}

/** The settings, ours beside the paper's. */
function settingsTable(
  values: readonly MetricValue[],
  options: { readonly models: readonly ModelRecords[]; readonly paper: Bench["paper"] },
) {
  const ours = settingCells(values), theirs = settingCells(options.paper?.values), { models } = options;
  const row = (title: string, metric: (role: Role) => string): TableRow => ({
    cells: [
      title,
      ...models.map(({ role }) => ours(metric(role))),
      ...ROLES.map((role) => theirs(metric(role))),
    ],
  });
  const range = (cells: (name: string) => TableCell, kind: string) => (role: Role): TableCell => {
    const found = Array.from(
      { length: 64 },
      (_, layer) => cells(`learning_rate.${role}.${kind}.layer_${layer}`),
    )
      .filter((cell): cell is string => typeof cell === "string").map(Number);
    const low = Math.min(...found), high = Math.max(...found);
    return found.length === 0 ? null : low === high ? String(low) : `${low} to ${high}`;
  };
  const rates = (title: string, kind: string): TableRow => ({
    cells: [
      title,
      ...models.map(({ role }) => role).map(range(ours, kind)),
      ...ROLES.map((role) => theirs(`learning_rate.${role}.${kind}`)),
    ],
  });
  const right = { align: "right" } as const;
  return textTable({
    title: "a  Settings of all runs",
    columns: [
      { title: "Setting", mostWidth: 230 },
      ...models.map(({ zoo }) => ({ title: zoo.entry.name, ...right })),
      { title: "Qwen2.5-\nMath-7B", ...right },
      { title: "Llama-3.1-\n8B-Instruct", ...right },
    ],
    rows: [
      ...SETTINGS.map(({ name, title }) => row(title, (role) => `${name}.${role}`)),
      row("Most tokens of prompt and completion", (role) => `max_sequence_tokens.${role}`),
      row("Training seeds of a single-layer vector", (role) => `training_seeds.${role}`),
      ...FIXED.map(({ name, title }) => row(title, () => name)),
      row("Learning rate, full tuning", (role) => `learning_rate.${role}.full`),
      rates("Learning rate, vectors in all layers", "all_layers"),
      rates("Learning rate, adapters in all layers", "adapters"),
    ],
  });
}

/** Learning rate and checkpoint of each single-layer vector, as many rows as the deepest model has layers. */
function ratesTable(
  values: readonly MetricValue[],
  options: { readonly models: readonly ModelRecords[]; readonly paper: Bench["paper"] },
) {
  const { models } = options, layers = Math.max(...models.map(({ zoo }) => zoo.layers));
  const ours = settingCells(values), theirs = settingCells(options.paper?.values);
  const layerOf = (name: string) => Number(/^learning_rate\.[ab]\.layer_(\d+)$/.exec(name)?.[1] ?? -1);
  const published = (options.paper?.values ?? []).map(({ name }) => layerOf(name) + 1);
  const count = Math.max(layers, ...published);
  const cell = (
    cells: (name: string) => TableCell,
    { role, layer }: { role: Role; layer: number },
  ): TableCell => {
    const rate = cells(`learning_rate.${role}.layer_${layer}`);
    const checkpoint = cells(`checkpoint.${role}.layer_${layer}`);
    return rate === null ? null : checkpoint === null ? rate : `${rate as string} @ ${checkpoint as string}`;
  };
  const right = { align: "right" } as const;
  return textTable({
    title: "b  Learning rate @ checkpoint of one layer's vector",
    columns: [
      { title: "Layer", ...right },
      ...models.map(({ zoo }) => ({ title: zoo.entry.name, ...right })),
      { title: "Qwen2.5-\nMath-7B", ...right },
      { title: "Llama-3.1-\n8B-Instruct", ...right },
    ],
    rows: Array.from({ length: count }, (_, layer): TableRow => ({
      cells: [
        String(layer),
        ...models.map(({ role }) => cell(ours, { role, layer })),
        ...ROLES.map((role) => cell(theirs, { role, layer })),
      ],
    })),
  });
}

async function run({ lab, paper, ...bench }: Bench): Promise<Findings> {
  const models: ModelRecords[] = [];
  for (const { role, zoo } of await openEach(bench, ROLES)) models.push(await recordsOf(role, zoo));
  for (const { all, layers, adapters, full } of models) {
    for (const { inputs } of [...all, ...layers.flat(), ...adapters, ...full]) lab.noteInputs(inputs);
  }
  const samples = models[0]?.all[0]?.config.samples as number;
  const values = [...models.flatMap(metricsOf), ...fixedMetrics(samples)];
  const spec = figureSpec([
    settingsTable(values, { models, paper }),
    ratesTable(values, { models, paper }),
  ], {
    title: "How everything was trained (inferred number)",
    subtitle: [
      "Ours as the files of the trained vectors say it. Layers of one index lie at different depths of different models.",
      "Our checkpoints are the last ones; the paper's were chosen on the test problems.",
    ],
  });
  return { spec, values, claims: [] };
}

/** Table 5 (inferred number): every hyper-parameter, and rate and checkpoint per layer. */
export const table5: Reproduction = {
  id: "table5",
  slug: "training-setup",
  title: "How everything was trained (inferred number)",
  itemClass: "inferred",
  differences: [
    "Models, problems and steps are smaller; the objective, the optimizer, the warm-up and the clipping are the paper's.",
    "Learning rates follow the residual norms of our layers, not the paper's rates. Vectors of one layer but the last are " +
    "trained for fewer steps than the others, until they are about a tenth as long as the residual at the first answer position.",
    "The last checkpoint of every run is used; the paper's were chosen on the test problems.",
  ],
  run,
};
