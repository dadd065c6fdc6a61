import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { goldenInputs } from "../../fixtures/golden/tiny_models_cases.ts";
import { type Checkpoint, randomWeights, readTensor, weightShapes } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { RandomStream, type Tensor, tensor } from "../../lib/core/mod.ts";
import type { Session } from "../../lib/runtime/mod.ts";
import { adjointName, languageModelGraph } from "../../lib/train/mod.ts";
import { golden } from "../checkpoint/_folder.ts";
import { withGoldenModel } from "../model/_golden_model.ts";
import { numbersOf, runGraph, withSession } from "../onnx/_run_graph.ts";
import { assertClose, type ToleranceName } from "../tolerances.ts";

type Compute = "float32" | "float64";

interface Golden {
  readonly zLoss: number;
  readonly cases: Readonly<
    Record<string, {
      readonly values: Readonly<
        Record<string, { readonly dims: readonly number[]; readonly float32: string }>
      >;
    }>
  >;
}

const GOLDEN = await golden<Golden>("language_model.json");

const grid = (dtype: "int64" | Compute, rows: readonly (readonly number[])[]): Tensor =>
  tensor(dtype, [rows.length, rows[0]?.length ?? 0], rows.flat()) as Tensor;

async function runGolden(
  checkpoint: Checkpoint,
  options: { readonly name: string; readonly compute: Compute },
) {
  const { name, compute } = options;
  const { config } = checkpoint;
  const inputs = goldenInputs(name);
  const feeds: Record<string, Tensor> = {
    tokens: grid("int64", inputs.tokens),
    targets: grid("int64", inputs.targets),
    target_weights: grid(compute, inputs.weights),
  };
  for (const [weight, entry] of checkpoint.weights) {
    feeds[weight] = tensor(compute, entry.dims, Array.from(await readTensor(entry))) as Tensor;
  }
  const shapes = weightShapes(config);
  return await runGraph(languageModelGraph(config, { shapes, zLoss: GOLDEN.zLoss, compute }), { feeds });
}

for (const [name, { values }] of Object.entries(GOLDEN.cases)) {
  for (const compute of ["float32", "float64"] as const) {
    Deno.test(`${name}: loss with z-loss and every weight adjoint equal PyTorch, ${compute}`, () =>
      withGoldenModel(name, async (checkpoint) => {
        const out = await runGolden(checkpoint, { name, compute });
        assertEquals(Object.keys(out).sort(), Object.keys(values).sort());
        for (const [key, { dims, float32 }] of Object.entries(values)) {
          const bytes = Uint8Array.from(atob(float32), (char) => char.charCodeAt(0));
          const tolerance: ToleranceName = compute === "float64"
            ? "goldenFloat64"
            : key.startsWith("adjoint.")
            ? "weightAdjointFloat32"
            : "forwardFloat32";
          assertEquals([key, ...(out[key]?.dims ?? [])], [key, ...dims]);
          try {
            assertClose(numbersOf(out[key]), new Float32Array(bytes.buffer), tolerance);
          } catch (error) {
            throw new Error(`${key}: ${(error as Error).message}`);
          }
        }
      }));
  }
}

const CONFIG = tinyConfig({ embed: 8, headDim: 4, neurons: 12, vocab: 19 });
const SHAPES = weightShapes(CONFIG);
const Z_LOSS = 0.07;

/** Rows of tokens with a target and a weight each. */
interface Rows {
  readonly tokens: number[][];
  readonly targets: number[][];
  readonly weights: number[][];
}

function randomRows(lengths: readonly number[]): Rows {
  const random = new RandomStream(2, "language model rows");
  const draw = (next: () => number) => lengths.map((length) => Array.from({ length }, next));
  return {
    tokens: draw(() => random.integer({ below: CONFIG.vocab })),
    targets: draw(() => random.integer({ below: CONFIG.vocab })),
    weights: draw(() => random.uniform()),
  };
}

const withGraph = (
  compute: Compute,
  body: (run: (rows: Rows) => Promise<Record<string, Tensor>>) => Promise<void>,
) =>
  withSession(
    languageModelGraph(CONFIG, { shapes: SHAPES, zLoss: Z_LOSS, compute }),
    (session) => body((rows) => session.run({ ...rowFeeds(rows, compute), ...weightFeeds(compute) })),
    { threads: 1 },
  );

function rowFeeds(rows: Rows, compute: Compute): Record<string, Tensor> {
  return {
    tokens: grid("int64", rows.tokens),
    targets: grid("int64", rows.targets),
    target_weights: grid(compute, rows.weights),
  };
}

function weightFeeds(compute: Compute): Record<string, Tensor> {
  const weights = randomWeights(CONFIG, { seed: 4 });
  return Object.fromEntries(
    [...SHAPES].map(([name, dims]) =>
      [name, tensor(compute, dims, Array.from(weights.get(name) as Float32Array)) as Tensor] as const
    ),
  );
}

Deno.test("languageModelGraph() gives targets probabilities that sum to one, and all the same z term", () =>
  withGraph("float64", async (run) => {
    // One token, so attention is its value alone; a target of weight w: w·(nats + z·(log Z)²).
    const rows = { tokens: [[3]], targets: [[7]], weights: [[2.5]] };
    const [whole, other] = [await run(rows), await run({ ...rows, targets: [[8]] })];
    const nats = Number(whole["cross_entropy"]?.data[0]) / 2.5;
    // Σ over all targets of exp(−nats) is 1, and the z term is the same for all of them.
    let sum = 0;
    for (let target = 0; target < CONFIG.vocab; target++) {
      const out = await run({ ...rows, targets: [[target]] });
      sum += Math.exp(-Number(out["cross_entropy"]?.data[0]) / 2.5);
    }
    assertAlmostEquals(sum, 1, 1e-12);
    const zTerm = (out: Record<string, Tensor>) =>
      Number(out["loss"]?.data[0]) - Number(out["cross_entropy"]?.data[0]);
    assert(nats > 0 && zTerm(whole) > 0);
    assertAlmostEquals(zTerm(other), zTerm(whole), 1e-12);
  }));

Deno.test("languageModelGraph() adjoints equal central differences in float64", async () => {
  const rows = randomRows([5, 5]);
  const graph = languageModelGraph(CONFIG, { shapes: SHAPES, zLoss: Z_LOSS, compute: "float64" });
  await withSession(graph, async (session: Session) => {
    const feeds = { ...rowFeeds(rows, "float64"), ...weightFeeds("float64") };
    const out = await session.run(feeds);
    const random = new RandomStream(5, "entries");
    for (const [name, dims] of SHAPES) {
      const base = numbersOf(feeds[name]), adjoint = numbersOf(out[adjointName(name)]);
      const scale = Math.max(...adjoint.map(Math.abs));
      for (let turn = 0; turn < 2; turn++) {
        const at = random.integer({ below: base.length });
        const loss = async (shift: number) => {
          const values = [...base];
          values[at] = (values[at] as number) + shift;
          const moved = await session.run({ ...feeds, [name]: tensor("float64", dims, values) as Tensor });
          return Number(moved["loss"]?.data[0]);
        };
        const h = 1e-5;
        const slope = (await loss(h) - await loss(-h)) / (2 * h);
        try {
          // Against the tensor's largest entry: a small entry is known no better than that.
          assertClose([adjoint[at] as number, scale], [slope, scale], "adjointFloat64");
        } catch (error) {
          throw new Error(`${name}[${at}]: ${(error as Error).message}`);
        }
      }
    }
  });
});

/** Every output of both, to float32 rounding. */
function assertSameOutputs(actual: Record<string, Tensor>, expected: Record<string, Tensor>): void {
  assertEquals(Object.keys(actual), Object.keys(expected));
  for (const [name, value] of Object.entries(expected)) {
    assertClose(numbersOf(actual[name]), numbersOf(value), "weightAdjointFloat32");
  }
}

Deno.test("languageModelGraph() is blind to right padding, whatever tokens stand in it", () =>
  withGraph("float32", async (run) => {
    const rows = randomRows([4, 4]);
    const pad = (values: number[][], filler: number) => values.map((row) => [...row, filler, filler, filler]);
    const plain = await run(rows);
    for (const filler of [0, 11]) {
      const padded = await run({
        tokens: pad(rows.tokens, filler),
        targets: pad(rows.targets, filler),
        weights: pad(rows.weights, 0),
      });
      assertSameOutputs(padded, plain);
    }
  }));

Deno.test("languageModelGraph() sums over rows, in any order and split", () =>
  withGraph("float32", async (run) => {
    const rows = randomRows([6, 6, 6]);
    const pick = (order: readonly number[]): Rows => ({
      tokens: order.map((row) => rows.tokens[row] as number[]),
      targets: order.map((row) => rows.targets[row] as number[]),
      weights: order.map((row) => rows.weights[row] as number[]),
    });
    const whole = await run(rows);
    assertSameOutputs(await run(pick([2, 0, 1])), whole);
    const parts = [await run(pick([0, 2])), await run(pick([1]))];
    for (const [name, value] of Object.entries(whole)) {
      const [a, b] = parts.map((part) => numbersOf(part[name])) as [number[], number[]];
      assertClose(a.map((x, index) => x + (b[index] as number)), numbersOf(value), "weightAdjointFloat32");
    }
  }));

Deno.test("languageModelGraph() without z-loss has the cross-entropy as its loss", async () => {
  const graph = languageModelGraph(CONFIG, { shapes: SHAPES, zLoss: 0 });
  const out = await runGraph(graph, {
    feeds: { ...rowFeeds(randomRows([3]), "float32"), ...weightFeeds("float32") },
  });
  assertEquals(out["loss"]?.data, out["cross_entropy"]?.data);
});
