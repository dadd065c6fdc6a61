import { assertEquals } from "@std/assert";
import { goldenInputs } from "../../fixtures/golden/tiny_models_cases.ts";
import { type Checkpoint, readTensor, weightShapes } from "../../lib/checkpoint/mod.ts";
import { type Tensor, tensor } from "../../lib/core/mod.ts";
import { type AccurateDType, siteKindsOf, type SiteName, siteName } from "../../lib/model/mod.ts";
import { sequenceGraph } from "../../lib/probe/mod.ts";
import { adjointName, languageModelGraph } from "../../lib/train/mod.ts";
import { numbersOf, runGraph } from "../onnx/_run_graph.ts";
import { assertClose, type ToleranceName } from "../tolerances.ts";
import { gridTargets, overRows } from "../probe/_targets.ts";
import { GOLDEN_NAMES, goldenValues, withGoldenModel } from "./_golden_model.ts";

const grid = (dtype: "int64" | AccurateDType, rows: readonly (readonly number[])[]): Tensor =>
  tensor(dtype, [rows.length, rows[0]?.length ?? 0], rows.flat()) as Tensor;

/** Logits, log-probabilities, every site, and the steering adjoints of all layers, by output name. */
async function runAll(
  checkpoint: Checkpoint,
  options: { readonly name: string; readonly compute: AccurateDType },
): Promise<Record<string, Tensor>> {
  const { config } = checkpoint;
  const { name, compute } = options;
  const layers = Array.from({ length: config.layers }, (_, layer) => layer);
  const taps = layers.flatMap((layer) =>
    siteKindsOf(config).map((kind): SiteName => siteName({ layer, kind }))
  );
  const inputs = goldenInputs(name);
  const base = { config, weights: checkpoint, compute };
  const at = { weightsFolder: checkpoint.weightsFolder };
  const feeds = { tokens: grid("int64", inputs.tokens), ...gridTargets(inputs.targets) };
  const plain = sequenceGraph({ ...base, edits: { taps }, outputs: { logits: true, logProbs: true } });
  const steered = sequenceGraph({
    ...base,
    edits: { steer: layers },
    outputs: { logits: true, steeringAdjoint: true },
  });
  const { logits, ...adjoint } = await runGraph(steered, {
    ...at,
    feeds: {
      ...feeds,
      ...gridTargets(inputs.targets, { rows: inputs.weights, compute }),
      steering: grid(compute, inputs.steering),
    },
  });
  return {
    ...await runGraph(plain, { ...at, feeds }),
    ...overRows(adjoint),
    steered_logits: logits as Tensor,
  };
}

async function compare(
  actual: Readonly<Record<string, Tensor>>,
  options: { readonly name: string; readonly tolerance: (key: string) => ToleranceName },
): Promise<void> {
  const expected = await goldenValues(options.name);
  for (const [key, value] of Object.entries(actual)) {
    const wanted = expected.get(key);
    if (wanted === undefined) throw new Error(`${options.name}: the golden file has no "${key}"`);
    assertEquals([key, ...value.dims], [key, ...wanted.dims]);
    try {
      assertClose(numbersOf(value), wanted.data, options.tolerance(key));
    } catch (error) {
      throw new Error(`${options.name}, ${key}: ${(error as Error).message}`);
    }
  }
}

for (const name of GOLDEN_NAMES) {
  Deno.test(`${name}: logits, sites, log-probabilities and steering adjoints equal transformers in float32`, () =>
    withGoldenModel(name, async (checkpoint) => {
      const actual = await runAll(checkpoint, { name, compute: "float32" });
      assertEquals(
        Object.keys(actual).length,
        4 + siteKindsOf(checkpoint.config).length * checkpoint.config.layers,
      );
      await compare(actual, {
        name,
        tolerance: (key) => key === "steering_adjoint" ? "adjointFloat32" : "forwardFloat32",
      });
    }));

  Deno.test(`${name}: the float64 twin equals transformers in float64`, () =>
    withGoldenModel(name, async (checkpoint) => {
      await compare(await runAll(checkpoint, { name, compute: "float64" }), {
        name,
        tolerance: () => "goldenFloat64",
      });
    }));

  Deno.test(`${name}: weight adjoints of the cross-entropy equal autograd`, () =>
    withGoldenModel(name, async (checkpoint) => {
      const { config } = checkpoint;
      const shapes = weightShapes(config);
      const inputs = goldenInputs(name);
      for (const compute of ["float32", "float64"] as const) {
        const feeds: Record<string, Tensor> = {
          tokens: grid("int64", inputs.tokens),
          targets: grid("int64", inputs.targets),
          target_weights: grid(compute, inputs.weights),
        };
        for (const [weight, entry] of checkpoint.weights) {
          feeds[weight] = tensor(compute, entry.dims, Array.from(await readTensor(entry))) as Tensor;
        }
        const graph = languageModelGraph(config, { shapes, zLoss: 0, compute });
        const out = await runGraph(graph, { feeds });
        const adjoints = [...shapes.keys()].map((
          weight,
        ) => [adjointName(weight), out[adjointName(weight)] as Tensor]);
        assertEquals(adjoints.length, shapes.size);
        const tolerance: ToleranceName = compute === "float32" ? "weightAdjointFloat32" : "goldenFloat64";
        await compare(Object.fromEntries(adjoints), { name, tolerance: () => tolerance });
      }
    }));
}
