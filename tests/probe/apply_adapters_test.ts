import { assertEquals } from "@std/assert";
import {
  ADAPTER_CASES,
  type AdapterInputs,
  adapterInputs,
  writeAdapterCheckpoint,
} from "../../fixtures/golden/adapters_cases.ts";
import { type Checkpoint, openCheckpoint } from "../../lib/checkpoint/mod.ts";
import { RandomStream, type Tensor, tensor } from "../../lib/core/mod.ts";
import { type AccurateDType, type SiteName, siteName } from "../../lib/model/mod.ts";
import { ADAPTER_NAMES, SEQUENCE_NAMES, sequenceGraph } from "../../lib/probe/mod.ts";
import { golden, withFolder } from "../checkpoint/_folder.ts";
import { numbersOf, runGraph, withSession } from "../onnx/_run_graph.ts";
import { assertClose, type ToleranceName } from "../tolerances.ts";
import { gridTargets, overRows } from "./_targets.ts";

interface Golden {
  readonly cases: Readonly<
    Record<string, {
      readonly values: Readonly<
        Record<string, { readonly dims: readonly number[]; readonly float32: string }>
      >;
    }>
  >;
}

const GOLDEN = await golden<Golden>("adapters.json");

const grid = (dtype: "int64" | AccurateDType, rows: readonly (readonly number[])[]): Tensor =>
  tensor(dtype, [rows.length, rows[0]?.length ?? 0], rows.flat()) as Tensor;

const withCase = (name: string, body: (checkpoint: Checkpoint) => Promise<void>) =>
  withFolder(async (folder) => {
    await writeAdapterCheckpoint(folder, name);
    await body(await openCheckpoint(folder));
  });

function feedsOf(inputs: AdapterInputs, compute: AccurateDType): Record<string, Tensor> {
  const adapters = Object.values(inputs.adapters);
  return {
    tokens: grid("int64", inputs.tokens),
    ...gridTargets(inputs.targets, { rows: inputs.weights, compute }),
    [ADAPTER_NAMES.inputs]: grid(compute, adapters.map(({ input }) => input)),
    [ADAPTER_NAMES.outputs]: grid(compute, adapters.map(({ output }) => output)),
  };
}

function graphFor(
  checkpoint: Checkpoint,
  options: { readonly layers: readonly number[]; readonly compute: AccurateDType },
) {
  const { layers, compute } = options;
  const taps = layers.flatMap((layer) =>
    (["down_out", "adapter_scale", "mlp_out"] as const).map((kind): SiteName => siteName({ layer, kind }))
  );
  return sequenceGraph({
    config: checkpoint.config,
    weights: checkpoint,
    compute,
    edits: { taps, adapters: layers },
    outputs: { logits: true, logProbs: true, steeringAdjoint: true },
  });
}

for (const [name, { values }] of Object.entries(GOLDEN.cases)) {
  for (const compute of ["float32", "float64"] as const) {
    Deno.test(`${name}: outputs, sites and adjoints of adapters equal PyTorch, ${compute}`, () =>
      withCase(name, async (checkpoint) => {
        const layers = ADAPTER_CASES[name]?.layers ?? [];
        const out = overRows(
          await runGraph(graphFor(checkpoint, { layers, compute }), {
            weightsFolder: checkpoint.weightsFolder,
            feeds: feedsOf(adapterInputs(name), compute),
          }),
        );
        assertEquals(Object.keys(out).sort(), Object.keys(values).sort());
        for (const [key, { dims, float32 }] of Object.entries(values)) {
          const bytes = Uint8Array.from(atob(float32), (char) => char.charCodeAt(0));
          assertEquals([key, ...(out[key]?.dims ?? [])], [key, ...dims]);
          const tolerance: ToleranceName = compute === "float64"
            ? "goldenFloat64"
            : key.endsWith("adjoint")
            ? "adapterAdjointFloat32"
            : "forwardFloat32";
          try {
            assertClose(numbersOf(out[key]), new Float32Array(bytes.buffer), tolerance);
          } catch (error) {
            throw new Error(`${key}: ${(error as Error).message}`);
          }
        }
      }));
  }

  Deno.test(`${name}: adjoints of adapters equal central differences in float64`, () =>
    withCase(name, async (checkpoint) => {
      const layers = ADAPTER_CASES[name]?.layers ?? [];
      const inputs = adapterInputs(name), feeds = feedsOf(inputs, "float64");
      const weights = inputs.weights.flat();
      await withSession(
        graphFor(checkpoint, { layers, compute: "float64" }),
        async (session) => {
          const out = overRows(await session.run(feeds));
          const random = new RandomStream(3, "entries", name);
          for (
            const [input, adjoint] of [
              [ADAPTER_NAMES.inputs, SEQUENCE_NAMES.adapterInputAdjoint],
              [ADAPTER_NAMES.outputs, SEQUENCE_NAMES.adapterOutputAdjoint],
            ] as const
          ) {
            const base = numbersOf(feeds[input]), exact = numbersOf(out[adjoint]);
            const dims = feeds[input]?.dims ?? [];
            const lossAt = async (at: number, shift: number) => {
              const moved = base.map((value, i) => i === at ? value + shift : value);
              const run = await session.run({ ...feeds, [input]: tensor("float64", dims, moved) });
              return numbersOf(run[SEQUENCE_NAMES.logProbs])
                .reduce((sum, logProb, i) => sum - (weights[i] as number) * logProb, 0);
            };
            const scale = Math.max(...exact.map(Math.abs)), h = 1e-5;
            const places = Array.from({ length: 12 }, () => random.integer({ below: base.length }));
            const slopes: number[] = [];
            for (const at of places) slopes.push((await lossAt(at, h) - await lossAt(at, -h)) / (2 * h));
            // Against the largest entry: a small one is known no better than that.
            assertClose(
              [...places.map((at) => exact[at] as number), scale],
              [...slopes, scale],
              "adjointFloat64",
            );
          }
        },
        { weightsFolder: checkpoint.weightsFolder },
      );
    }));
}
