import { assertEquals } from "@std/assert";
import { type Tensor, tensor, zeros } from "../../../lib/core/mod.ts";
import type { LanguageModel, Patch, RunResult, SteeringVectors } from "../../../lib/decode/mod.ts";
import { doubleSites, type SiteKind, siteKindsOf, type SiteName, siteName } from "../../../lib/model/mod.ts";
import {
  lastBlockLayout,
  type LastBlockPatch,
  lastBlockPatchText,
  sequenceGraph,
} from "../../../lib/probe/mod.ts";
import { everyPatch, firstOf, ROUTE_MODELS } from "../../decode/_routes.ts";
import { allLayers, randomVectors, withTinyModel } from "../../decode/_tiny_model.ts";
import { numbersOf, runGraph } from "../../onnx/_run_graph.ts";
import { assertClose } from "../../tolerances.ts";

const ROWS = [[5, 17, 40, 2, 9], [33, 8, 8, 60, 1]];
/** What an edit must move a logit by to count as an effect: a hundred times what rounding moves it by. */
const VISIBLE = 1e-3;

/** A model with a vector at every layer, and what its last block holds under a patch. */
interface Bench {
  readonly model: LanguageModel;
  readonly steer: SteeringVectors;
  /** Values of the last block by kind, and the logits. */
  readonly values: (
    lastBlock: LastBlockPatch | null,
    options?: { readonly steer?: SteeringVectors; readonly patches?: ReadonlyMap<SiteName, Patch> },
  ) => Promise<Readonly<Record<SiteKind | "logits", Float32Array>>>;
}

const dataOf = (value: Tensor<"float32"> | null | undefined): Float32Array =>
  value?.data ?? new Float32Array();

/** Kinds of the last block that have one value under a patch. */
const kindsOf = (lastBlock: LastBlockPatch | null, model: LanguageModel): SiteKind[] =>
  siteKindsOf(model.config).filter((kind) =>
    lastBlock === null || !doubleSites(lastBlockLayout(lastBlock)).includes(kind)
  );

function withBench(name: string, body: (bench: Bench) => Promise<void>): Promise<void> {
  return withTinyModel(async (model) => {
    const steer = randomVectors(model.config, allLayers(model.config));
    const layer = model.config.layers - 1;
    const values: Bench["values"] = async (lastBlock, options = {}) => {
      const taps = kindsOf(lastBlock, model).map((kind) => siteName({ layer, kind }));
      const run: RunResult = await model.run(ROWS, { steer, taps, lastBlock, ...options });
      const byKind = siteKindsOf(model.config).map((kind) =>
        [kind, dataOf(run.taps.get(siteName({ layer, kind })))] as const
      );
      return Object.fromEntries([...byKind, ["logits", dataOf(run.logits)]]) as Record<
        SiteKind | "logits",
        Float32Array
      >;
    };
    await body({ model, steer, values });
  }, ROUTE_MODELS[name]);
}

const sum = (...terms: readonly Float32Array[]): Float64Array =>
  Float64Array.from(
    terms[0] ?? [],
    (_, index) => terms.reduce((total, term) => total + (term[index] as number), 0),
  );
const minus = (a: Float32Array, b: Float32Array) => a.map((value, index) => value - (b[index] as number));

function gap(a: Float32Array, b: Float32Array): number {
  assertEquals(a.length, b.length);
  return minus(a, b).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

/** Equal but for the last bits, at every kind both have. */
function assertAlike(
  actual: Readonly<Record<string, Float32Array>>,
  expected: Readonly<Record<string, Float32Array>>,
  options: { readonly what: string; readonly kinds?: readonly string[] },
): void {
  const { what, kinds = Object.keys(expected) } = options;
  let compared = 0;
  for (const kind of kinds) {
    const a = actual[kind] as Float32Array, b = expected[kind] as Float32Array;
    if (a.length === 0 || b.length === 0) continue;
    compared++;
    try {
      assertClose(a, b, "rewrittenGraphFloat32");
    } catch (error) {
      throw new Error(`${what}, ${kind}: ${(error as Error).message}`);
    }
  }
  assertEquals([what, compared > 0], [what, true]);
}

/** The values of one head, from [batch, heads, seq, seq] of a tiny batch. */
function headOf(weights: Float32Array, head: number, heads: number): Float32Array {
  const size = 25;
  return Float32Array.from(
    [0, 1].flatMap((
      row,
    ) => [...weights.subarray((row * heads + head) * size, (row * heads + head + 1) * size)]),
  );
}

for (const [place, name] of Object.keys(ROUTE_MODELS).entries()) {
  Deno.test(`${name}: no_patch is ordinary steering, base leaves the vector out, at every site`, () =>
    withBench(name, async ({ model, steer, values }) => {
      const routed = model.config.layers - 2;
      const without = new Map([...steer].filter(([layer]) => layer !== routed));
      assertAlike(await values({ mode: "no_patch" }), await values(null), { what: "no_patch" });
      assertAlike(await values({ mode: "base" }), await values(null, { steer: without }), { what: "base" });
    }));

  Deno.test(`${name}: skip_layer is the block without the vector, plus the vector`, () =>
    withBench(name, async ({ model, steer, values }) => {
      const { layers } = model.config;
      const vector = steer.get(layers - 2) as Float32Array, last = steer.get(layers - 1) as Float32Array;
      const base = await values({ mode: "base" }), skipped = await values({ mode: "skip_layer" });
      assertAlike(skipped, base, {
        what: "inside",
        kinds: siteKindsOf(model.config).filter((kind) => kind !== "resid_post"),
      });
      const moved = base.resid_post.map((value, i) => value + (vector[i % vector.length] as number));
      assertClose(skipped.resid_post, moved, "rewrittenGraphFloat32");
      const asLast = new Map([...steer, [layers - 1, last.map((value, i) => value + (vector[i] as number))]]);
      asLast.delete(layers - 2);
      assertClose(skipped.logits, (await values(null, { steer: asLast })).logits, "rewrittenGraphFloat32");
    }));

  Deno.test(`${name}: un-steering every head is skip_attn, steering every head on top of it is no_patch`, () =>
    withBench(name, async ({ model, values }) => {
      const heads = firstOf(model.config.heads), groups = firstOf(model.config.kvHeads);
      const skipped = await values({ mode: "skip_attn" }), ordinary = await values({ mode: "no_patch" });
      const pairs: readonly (readonly [LastBlockPatch, typeof skipped])[] = [
        [{ mode: "head", head: heads }, skipped],
        [{ mode: "group", head: groups }, skipped],
        [{ mode: "head", head: heads, inverse: true }, ordinary],
        [{ mode: "group", head: groups, inverse: true }, ordinary],
        [{ mode: "head", head: heads, inverse: true, path: "residual" }, ordinary],
        [{ mode: "head", head: heads, inverse: true, path: "mlp" }, ordinary],
      ];
      for (const [patch, expected] of pairs) {
        assertAlike(await values(patch), expected, { what: lastBlockPatchText(patch) });
      }
    }));

  Deno.test(`${name}: an inverse patch without a head is skip_attn, a patch without a head is no_patch`, () =>
    withBench(name, async ({ model, steer, values }) => {
      const { config, checkpoint } = model;
      const skipped = await values({ mode: "skip_attn" }), ordinary = await values({ mode: "no_patch" });
      for (const mode of ["q", "k", "v", "group", "head"] as const) {
        for (const inverse of [false, true]) {
          const lastBlock = { mode, head: 0, inverse };
          const edits = { steer: allLayers(config), lastBlock };
          const graph = sequenceGraph({ config, weights: checkpoint, edits, outputs: { logits: true } });
          const parts = mode === "head" ? ["heads"] : mode === "group" ? ["q", "k", "v"] : [mode];
          const masks = parts.map((part) => {
            const count = part === "k" || part === "v" ? config.kvHeads : config.heads;
            const values = new Array(count).fill(inverse ? 0 : 1);
            return [`last_block.${part}`, tensor("bool", [count, 1], values)] as const;
          });
          const out = await runGraph(graph, {
            weightsFolder: checkpoint.weightsFolder,
            feeds: {
              tokens: tensor("int64", [2, 5], ROWS.flat()),
              steering: tensor(
                "float32",
                [config.layers, config.embed],
                [...steer.values()].flatMap((v) => [...v]),
              ),
              ...Object.fromEntries(masks),
            },
          });
          assertClose(
            numbersOf(out["logits"]),
            (inverse ? skipped : ordinary).logits,
            "rewrittenGraphFloat32",
          );
        }
      }
    }));

  Deno.test(`${name}: all_v is every value head's v together`, () =>
    withBench(name, async ({ model, values }) => {
      for (const inverse of [false, true]) {
        const every = await values({ mode: "v", head: firstOf(model.config.kvHeads), inverse });
        assertAlike(await values({ mode: "all_v", inverse }), every, { what: `all_v ${inverse}` });
      }
    }));

  Deno.test(`${name}: a group is the outputs of its query heads`, () =>
    withBench(name, async ({ model, values }) => {
      const { heads, kvHeads } = model.config;
      for (const group of firstOf(kvHeads)) {
        const head = firstOf(heads).filter((index) => Math.floor(index * kvHeads / heads) === group);
        for (const inverse of [false, true]) {
          assertAlike(
            await values({ mode: "group", head: group, inverse }),
            await values({ mode: "head", head, inverse }),
            { what: `group ${group} ${inverse}` },
          );
        }
      }
    }));

  Deno.test(`${name}: contributions of single heads add up, before and after W_O`, () =>
    withBench(name, async ({ model, values }) => {
      const { heads, kvHeads } = model.config;
      const ordinary = await values({ mode: "no_patch" }), skipped = await values({ mode: "skip_attn" });
      const allV = await values({ mode: "all_v" }),
        inverseAllV = await values({ mode: "all_v", inverse: true });
      // A value head acts through fixed attention weights, and W_O is linear: Σ_h [full − without h] = full − none.
      const cases = [
        { mode: "head", count: heads, inverse: false, from: ordinary, to: skipped },
        { mode: "head", count: heads, inverse: true, from: skipped, to: ordinary },
        { mode: "group", count: kvHeads, inverse: false, from: ordinary, to: skipped },
        { mode: "v", count: kvHeads, inverse: false, from: ordinary, to: allV },
        { mode: "v", count: kvHeads, inverse: true, from: skipped, to: inverseAllV },
      ] as const;
      for (const { mode, count, inverse, from, to } of cases) {
        for (const kind of ["head_out", "attn_out"] as const) {
          const parts = [];
          for (const head of firstOf(count)) {
            parts.push(minus((await values({ mode, head, inverse }))[kind], from[kind]));
          }
          assertClose(sum(...parts), minus(to[kind], from[kind]), "rewrittenGraphFloat32");
          assertEquals([mode, gap(to[kind], from[kind]) > VISIBLE], [mode, true]);
        }
      }
    }));

  Deno.test(`${name}: the two paths of a head part its effect between residual stream and MLP`, () =>
    withBench(name, async ({ values }) => {
      const ordinary = await values({ mode: "no_patch" });
      for (const inverse of [false, true]) {
        const of = (path: "all" | "residual" | "mlp") => values({ mode: "head", head: 1, inverse, path });
        const all = await of("all"), residual = await of("residual"), mlp = await of("mlp");
        assertAlike(residual, all, { what: "residual", kinds: ["head_out", "attn_out", "resid_mid"] });
        assertAlike(residual, ordinary, { what: "residual", kinds: ["post_attention_norm", "mlp_out"] });
        assertAlike(mlp, all, {
          what: "mlp",
          kinds: ["head_out", "attn_out", "post_attention_norm", "mlp_out"],
        });
        assertAlike(mlp, ordinary, { what: "mlp", kinds: ["resid_mid"] });
        assertClose(
          sum(residual.resid_post, mlp.resid_post),
          sum(all.resid_post, ordinary.resid_post),
          "rewrittenGraphFloat32",
        );
        assertEquals(gap(residual.logits, mlp.logits) > VISIBLE, true);
      }
    }));

  Deno.test(`${name}: values leave the attention weights alone, q changes one head's, k those of one group`, () =>
    withBench(name, async ({ model, values }) => {
      const { heads, kvHeads } = model.config;
      const ordinary = (await values({ mode: "no_patch" })).attn_weights;
      const base = (await values({ mode: "base" })).attn_weights;
      const weights = async (patch: LastBlockPatch) => (await values(patch)).attn_weights;
      for (const [inverse, expected] of [[false, ordinary], [true, base]] as const) {
        assertClose(await weights({ mode: "v", head: 0, inverse }), expected, "rewrittenGraphFloat32");
        assertClose(await weights({ mode: "all_v", inverse }), expected, "rewrittenGraphFloat32");
        const query = await weights({ mode: "q", head: 1, inverse });
        const key = await weights({ mode: "k", head: 0, inverse });
        const output = await weights({ mode: "head", head: 1, inverse });
        const other = inverse ? ordinary : base;
        for (const head of firstOf(heads)) {
          const at = (value: Float32Array) => headOf(value, head, heads);
          if (head !== 1) assertClose(at(query), at(expected), "rewrittenGraphFloat32");
          if (Math.floor(head * kvHeads / heads) !== 0) {
            assertClose(at(key), at(expected), "rewrittenGraphFloat32");
          }
          assertClose(at(output), at(head === 1 ? other : expected), "rewrittenGraphFloat32");
        }
        assertEquals(gap(headOf(query, 1, heads), headOf(expected, 1, heads)) > VISIBLE, true);
        assertEquals(gap(headOf(key, 0, heads), headOf(expected, 0, heads)) > VISIBLE, true);
      }
      assertClose(await weights({ mode: "skip_attn" }), base, "rewrittenGraphFloat32");
    }));

  Deno.test(`${name}: a routed vector of zeros changes nothing, and one factor 0 or 1 is as good`, () =>
    withBench(name, async ({ model, steer, values }) => {
      const routed = model.config.layers - 2;
      const none = new Map([...steer, [routed, new Float32Array(model.config.embed)] as const]);
      const only = new Map([[routed, steer.get(routed) as Float32Array]]);
      const base = (await values({ mode: "base" })).logits,
        unsteered = dataOf((await model.run(ROWS)).logits);
      const factors = (value: number) => tensor("float32", [2, 5], new Array(10).fill(value));
      for (const [index, lastBlock] of everyPatch(model.config).entries()) {
        assertClose((await values(lastBlock, { steer: none })).logits, base, "rewrittenGraphFloat32");
        if (index % 4 !== place) continue; // factors make a graph of their own
        const run = async (steerFactors: Tensor<"float32">) =>
          dataOf((await model.run(ROWS, { steer: only, steerFactors, lastBlock })).logits);
        assertClose(await run(factors(0)), unsteered, "rewrittenGraphFloat32");
        const alone = await model.run(ROWS, { steer: only, lastBlock });
        assertClose(await run(factors(1)), dataOf(alone.logits), "rewrittenGraphFloat32");
      }
    }));

  Deno.test(`${name}: in a patched block a tap fed back changes nothing, zeros at a site do, later positions alone`, () =>
    withBench(name, async ({ model, steer }) => {
      const layer = model.config.layers - 1;
      // Every site of every patch is a graph of its own: each model takes a quarter of the patches.
      for (const lastBlock of everyPatch(model.config).filter((_, index) => index % 4 === place)) {
        const sites = kindsOf(lastBlock, model).map((kind) => siteName({ layer, kind }));
        const clean = await model.run(ROWS, { steer, taps: sites, lastBlock });
        for (const site of sites) {
          const what = `${lastBlockPatchText(lastBlock)} ${site}`;
          const value = clean.taps.get(site) as Tensor<"float32">;
          const mask = zeros("bool", [2, 5]);
          mask.data[5 + 3] = 1; // row 1, position 3
          const run = async (patch: Patch) =>
            await model.run(ROWS, { steer, lastBlock, taps: [site], patches: new Map([[site, patch]]) });
          const same = await run({ value });
          assertAlike({ logits: dataOf(same.logits) }, { logits: dataOf(clean.logits) }, {
            what,
            kinds: ["logits"],
          });
          const patched = await run({ value: zeros("float32", value.dims), mask });
          const logits = minus(dataOf(patched.logits), dataOf(clean.logits));
          const size = (3 + 5) * model.config.vocab;
          const before = logits.subarray(0, size).reduce((most, move) => Math.max(most, Math.abs(move)), 0);
          const after = logits.subarray(size).reduce((most, move) => Math.max(most, Math.abs(move)), 0);
          // One row, and nothing before the position, but for the last bits of graphs that fuse otherwise.
          assertEquals([what, before < 1e-5, after > VISIBLE], [what, true, true]);
        }
      }
    }));
}

Deno.test("with one key head per query head, a group is a head", () =>
  withBench("llama, own keys, fused", async ({ values }) => {
    for (const head of [0, 1, 2]) {
      for (const inverse of [false, true]) {
        const group = await values({ mode: "group", head, inverse });
        assertAlike(group, await values({ mode: "head", head, inverse }), { what: `${head}` });
      }
    }
  }));
