/**
 * table7: what training vectors, adapters or every weight costs. The number is our assignment.
 *
 * @module
 */
import { type ModelConfig, PUBLISHED_CONFIGS } from "../lib/checkpoint/mod.ts";
import type { Bench, Findings, Reproduction } from "../lib/experiment/mod.ts";
import {
  type ClaimResult,
  figureSpec,
  type MetricValue,
  type TableRow,
  textTable,
} from "../lib/report/mod.ts";
import { type TrainingCost, trainingCost } from "../lib/train/mod.ts";
import { openEach } from "./_roles.ts";

const KINDS = ["vectors", "adapter", "full"] as const;
type Kind = typeof KINDS[number];
const KIND_TITLES = { vectors: "Steering vectors", adapter: "Rank-1 adapters", full: "Full tuning" } as const;
/** GPUs that the published run shares its optimizer among. */
const PAPER_GPUS = 8;
/** "Orders of magnitude": at least two. */
const LEAST_ORDERS = 2;

type Costs = Readonly<Record<Kind, TrainingCost>>;

/** A model whose costs are counted. */
interface Counted {
  /** In the names of metrics. */
  readonly key: "a" | "b" | "paper";
  readonly title: string;
  readonly costs: Costs;
}

function costsOf(config: ModelConfig): Costs {
  const cost = (trained: Kind) => trainingCost(config, { trained });
  return { vectors: cost("vectors"), adapter: cost("adapter"), full: cost("full") };
}

function metricsOf({ key, costs }: Counted): readonly MetricValue[] {
  return KINDS.flatMap((kind): readonly MetricValue[] => {
    const { parameters, optimizerBytes, syncBytes, flopsPerToken } = costs[kind];
    return [
      { name: `parameters.${key}.${kind}`, value: parameters, unit: "parameters" },
      { name: `optimizer_bytes.${key}.${kind}`, value: optimizerBytes, unit: "bytes" },
      { name: `sync_bytes.${key}.${kind}`, value: syncBytes, unit: "bytes" },
      { name: `flops_per_token.${key}.${kind}`, value: flopsPerToken, unit: "operations" },
      ...(key === "paper"
        ? [{
          name: `optimizer_bytes_per_gpu.paper.${kind}`,
          value: optimizerBytes / PAPER_GPUS,
          unit: "bytes",
          note: `Shared among ${PAPER_GPUS} GPUs, as the published run did.`,
        }]
        : []),
    ];
  });
}

/** Powers of ten between full tuning and vectors. */
function ordersLess({ full, vectors }: Costs, what: keyof TrainingCost): number {
  return Math.log10(full[what] / vectors[what]);
}

function claimOf({ title, costs }: Counted): ClaimResult {
  const orders = ordersLess(costs, "optimizerBytes");
  const flops = costs.full.flopsPerToken / costs.vectors.flopsPerToken;
  return {
    claim: "vectors_cost_orders_of_magnitude_less",
    statement:
      "Vectors take orders of magnitude fewer parameters and less optimizer memory than full tuning.",
    holds: orders >= LEAST_ORDERS,
    effect: { name: `powers of ten between the optimizers' bytes, ${title}`, value: orders, unit: "orders" },
    interval: null,
    note:
      `An exact count: holds from ${LEAST_ORDERS} orders. Computing is not orders less: full tuning takes ${
        flops.toFixed(2)
      } times the operations per scored token.`,
  };
}

/** A count with a unit that readers know: 1.4 M, 13.8 GiB. */
function readable(
  value: number,
  steps: { readonly base: number; readonly names: readonly string[] },
): string {
  const { base, names } = steps;
  const power = Math.min(names.length - 1, Math.max(0, Math.floor(Math.log(value) / Math.log(base) + 1e-12)));
  const digits = Number((value / base ** power).toPrecision(4));
  return `${digits} ${names[power] as string}`.trimEnd();
}

const BYTES = { base: 1024, names: ["B", "KiB", "MiB", "GiB", "TiB"] } as const;
const COUNTS = { base: 1000, names: ["", "K", "M", "G", "T"] } as const;

function rowsOf({ key, title, costs }: Counted): readonly TableRow[] {
  return [
    { kind: "heading", cells: [title] },
    ...KINDS.map((kind): TableRow => {
      const { parameters, optimizerBytes, syncBytes, flopsPerToken } = costs[kind];
      return {
        kind: kind === "vectors" ? "emphasis" : "row",
        cells: [
          KIND_TITLES[kind],
          readable(parameters, COUNTS),
          readable(optimizerBytes, BYTES),
          key === "paper" ? readable(optimizerBytes / PAPER_GPUS, BYTES) : null,
          readable(syncBytes, BYTES),
          readable(flopsPerToken, COUNTS),
        ],
      };
    }),
  ];
}

async function run({ lab, ...bench }: Bench): Promise<Findings> {
  const counted: Counted[] = [];
  for (const { role: key, zoo } of await openEach(bench, ["a", "b"])) {
    const { config } = zoo.model.checkpoint;
    lab.noteInputs({ [`model.${zoo.entry.name}`]: await zoo.model.checkpoint.hash() });
    counted.push({ key, title: zoo.entry.name, costs: costsOf(config) });
  }
  const paper = costsOf(PUBLISHED_CONFIGS["qwen2.5-14b"]);
  counted.push({ key: "paper", title: "Qwen2.5-14B, the paper's example", costs: paper });
  const right = { align: "right" } as const;
  const table = textTable({
    columns: [
      { title: "What is trained" },
      { title: "Parameters", ...right },
      { title: "Optimizer", ...right },
      { title: `Optimizer per GPU (of ${PAPER_GPUS})`, ...right, mostWidth: 130 },
      { title: "Sent to the sampler per step", ...right, mostWidth: 130 },
      { title: "Operations per scored token", ...right, mostWidth: 130 },
    ],
    rows: counted.flatMap(rowsOf),
  });
  const spec = figureSpec([table], {
    title: "What training costs (inferred number)",
    subtitle: ["Exact counts: AdamW's two moments in float32, trained numbers sent in bfloat16."],
  });
  return { spec, values: counted.flatMap(metricsOf), claims: [claimOf(counted[0] as Counted)] };
}

/** Table 7 (inferred number): parameters, optimizer memory, what is sent and computed. */
export const table7: Reproduction = {
  id: "table7",
  slug: "cost",
  title: "What training costs (inferred number)",
  itemClass: "inferred",
  differences: [
    "Times would differ from run to run, so the metrics hold what they follow from: bytes sent to the sampler per step and " +
    "operations per scored token. The training logs hold no times either.",
    "The published step time is that of sending the trained numbers to the sampler alone, not of a training step.",
    "The published optimizer memory is that of one of 8 GPUs; ours is given for all together and per GPU.",
  ],
  run,
};
