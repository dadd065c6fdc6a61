import { assertEquals, assertNotEquals } from "@std/assert";
import { RandomStream, type Tensor, tensor, zeros } from "../../../lib/core/mod.ts";
import type { LanguageModel, RunResult } from "../../../lib/decode/mod.ts";
import { type SiteKind, siteKindsOf, type SiteName, siteName } from "../../../lib/model/mod.ts";
import { allLayers, randomVectors, withEachFamily } from "../../decode/_tiny_model.ts";
import { assertClose } from "../../tolerances.ts";

const ROWS = [[5, 17, 40, 2, 9], [33, 8, 8, 60, 1]];
const SEQ = 5;
/** What an edit must move a logit by to count as an effect: a hundred times what rounding moves it by. */
const VISIBLE = 1e-3;

const sitesOf = (model: LanguageModel): SiteName[] =>
  allLayers(model.config).flatMap((layer) =>
    siteKindsOf(model.config).map((kind) => siteName({ layer, kind }))
  );

const logitsOf = (result: RunResult): Float32Array => (result.logits as Tensor<"float32">).data;
const tapOf = (result: RunResult, site: SiteName): Tensor<"float32"> => {
  const tapped = result.taps.get(site);
  if (tapped === undefined) throw new Error(`the run gave no ${site}`);
  return tapped;
};

/** The largest difference of two arrays of equal length. */
function gap(a: Float32Array, b: Float32Array): number {
  assertEquals(a.length, b.length);
  return a.reduce((most, value, index) => Math.max(most, Math.abs(value - (b[index] as number))), 0);
}

/** A mask [2, seq] that holds at the given places. */
function maskAt(places: readonly (readonly [number, number])[]): Tensor<"bool"> {
  const mask = zeros("bool", [2, SEQ]);
  for (const [row, position] of places) mask.data[row * SEQ + position] = 1;
  return mask;
}

/** Logits [batch, seq, vocab] of one row at positions [from, to). */
function part(
  logits: Float32Array,
  at: { readonly row: number; readonly from: number; readonly to: number },
) {
  const vocab = logits.length / (2 * SEQ);
  return logits.slice((at.row * SEQ + at.from) * vocab, (at.row * SEQ + at.to) * vocab);
}

Deno.test("steering by zero vectors gives the unsteered logits, bit by bit", () =>
  withEachFamily(async (model) => {
    const plain = logitsOf(await model.run(ROWS));
    const zero = new Map(
      allLayers(model.config).map((layer) => [layer, new Float32Array(model.config.embed)]),
    );
    assertEquals(logitsOf(await model.run(ROWS, { steer: zero })), plain);
    const some = logitsOf(await model.run(ROWS, { steer: randomVectors(model.config, [0]) }));
    assertNotEquals(some, plain);
  }));

Deno.test("taps change nothing and have their sites' shapes", () =>
  withEachFamily(async (model) => {
    const { heads, kvHeads, headDim, embed } = model.config;
    const taps = sitesOf(model);
    const tapped = await model.run(ROWS, { taps });
    assertClose(logitsOf(tapped), logitsOf(await model.run(ROWS)), "rewrittenGraphFloat32");
    const shapes: Readonly<Record<string, readonly number[]>> = {
      q: [2, SEQ, heads, headDim],
      k: [2, SEQ, kvHeads, headDim],
      v: [2, SEQ, kvHeads, headDim],
      q_norm: [2, SEQ, heads, headDim],
      k_norm: [2, SEQ, kvHeads, headDim],
      head_out: [2, SEQ, heads, headDim],
      attn_weights: [2, heads, SEQ, SEQ],
    };
    for (const site of taps) {
      assertEquals([site, ...tapOf(tapped, site).dims], [
        site,
        ...shapes[site.split(".")[2] as string] ?? [2, SEQ, embed],
      ]);
    }
  }));

Deno.test("a tap fed back as a patch changes nothing, at every site of every layer", () =>
  withEachFamily(async (model) => {
    const taps = sitesOf(model);
    const clean = await model.run(ROWS, { taps });
    for (const site of taps) {
      const value = tapOf(clean, site);
      const patched = await model.run(ROWS, { taps, patches: new Map([[site, { value }]]) });
      assertEquals([site, tapOf(patched, site).data], [site, value.data]);
      // Fused kernels may round otherwise than the open graph, so the logits agree but for the last bits.
      assertClose(logitsOf(patched), logitsOf(clean), "rewrittenGraphFloat32");
    }
  }));

Deno.test("a zero patch at every site of every layer changes the logits", () =>
  withEachFamily(async (model) => {
    const taps = sitesOf(model);
    const clean = await model.run(ROWS, { taps });
    for (const site of taps) {
      const value = zeros("float32", tapOf(clean, site).dims);
      const patched = await model.run(ROWS, { patches: new Map([[site, { value }]]) });
      assertEquals([site, gap(logitsOf(patched), logitsOf(clean)) > VISIBLE], [site, true]);
    }
  }));

Deno.test("a patch at a position leaves logits before it alone, and a patch of a row leaves other rows alone", () =>
  withEachFamily(async (model) => {
    const taps = sitesOf(model);
    const shapes = await model.run(ROWS, { taps, logits: false });
    for (const site of taps) {
      const value = zeros("float32", tapOf(shapes, site).dims);
      const run = async (places: readonly (readonly [number, number])[]) =>
        logitsOf(await model.run(ROWS, { patches: new Map([[site, { value, mask: maskAt(places) }]]) }));
      const clean = await run([]), patched = await run([[1, 3]]);
      const before = { row: 1, from: 0, to: 3 }, after = { row: 1, from: 3, to: SEQ };
      assertEquals([site, part(patched, { row: 0, from: 0, to: SEQ })], [
        site,
        part(clean, { row: 0, from: 0, to: SEQ }),
      ]);
      assertEquals([site, part(patched, before)], [site, part(clean, before)]);
      assertEquals([site, gap(part(patched, after), part(clean, after)) > VISIBLE], [site, true]);
    }
  }));

Deno.test("the mask of attn_weights names query positions: one query's weights change for all heads", () =>
  withEachFamily(async (model) => {
    const site: SiteName = "blocks.1.attn_weights";
    const clean = tapOf(await model.run(ROWS, { taps: [site], logits: false }), site);
    const value = zeros("float32", clean.dims);
    const patches = new Map([[site, { value, mask: maskAt([[0, 2]]) }]]);
    const patched = tapOf(await model.run(ROWS, { taps: [site], patches, logits: false }), site);
    const { heads } = model.config;
    clean.data.forEach((weight, index) => {
      const query = Math.floor(index / SEQ) % SEQ, row = Math.floor(index / (SEQ * SEQ * heads));
      assertEquals(patched.data[index], row === 0 && query === 2 ? 0 : weight);
    });
  }));

Deno.test("attn_weights are causal and sum to one over keys", () =>
  withEachFamily(async (model) => {
    const site: SiteName = "blocks.0.attn_weights";
    const { data } = tapOf(await model.run(ROWS, { taps: [site], logits: false }), site);
    for (let row = 0; row < data.length; row += SEQ) {
      const query = (row / SEQ) % SEQ;
      const weights = data.slice(row, row + SEQ);
      assertEquals(Array.from(weights.slice(query + 1)), new Array(SEQ - query - 1).fill(0));
      assertEquals(Math.abs(weights.reduce((sum, weight) => sum + weight, 0) - 1) < 1e-6, true);
    }
  }));

Deno.test("a tap of resid_post sees the steering, taps before it do not", () =>
  withEachFamily(async (model) => {
    const taps: SiteName[] = [
      "blocks.0.resid_post",
      "blocks.0.mlp_out",
      "blocks.0.resid_mid",
      "blocks.1.resid_pre",
    ];
    const steer = randomVectors(model.config, [0]);
    const vector = steer.get(0) as Float32Array;
    const plain = await model.run(ROWS, { taps, logits: false });
    const steered = await model.run(ROWS, { taps, steer, logits: false });
    const added = tapOf(plain, "blocks.0.resid_post").data.map((value, index) =>
      value + (vector[index % vector.length] as number)
    );
    assertEquals(tapOf(steered, "blocks.0.resid_post").data, added);
    assertEquals(tapOf(steered, "blocks.1.resid_pre").data, added);
    for (const site of ["blocks.0.mlp_out", "blocks.0.resid_mid"] as const) {
      assertEquals(tapOf(steered, site).data, tapOf(plain, site).data);
    }
  }));

Deno.test("steering equals patching resid_post with its tap plus the vector", () =>
  withEachFamily(async (model) => {
    for (const layer of allLayers(model.config)) {
      const site = siteName({ layer, kind: "resid_post" });
      const steer = randomVectors(model.config, [layer]);
      const vector = steer.get(layer) as Float32Array;
      const tapped = tapOf(await model.run(ROWS, { taps: [site], logits: false }), site);
      const sum = tapped.data.map((value, index) => value + (vector[index % vector.length] as number));
      const patches = new Map([[site, { value: tensor("float32", tapped.dims, sum) }]]);
      const patched = logitsOf(await model.run(ROWS, { patches }));
      assertClose(patched, logitsOf(await model.run(ROWS, { steer })), "rewrittenGraphFloat32");
    }
  }));

Deno.test("the sums of a block hold under every patch: resid_mid = resid_pre + attn_out, resid_post = resid_mid + mlp_out", () =>
  withEachFamily(async (model) => {
    const layer = 1;
    const name = (kind: SiteKind) => siteName({ layer, kind });
    const kinds = ["resid_pre", "attn_out", "resid_mid", "mlp_out", "resid_post"] as const;
    const taps = kinds.map(name);
    const shape = [2, SEQ, model.config.embed];
    for (const kind of [null, "resid_pre", "attn_out", "mlp_out"] as const) {
      const random = new RandomStream(6, "patch", kind ?? "none");
      const noise = Array.from({ length: 2 * SEQ * model.config.embed }, () => random.normal());
      const value = tensor("float32", shape, noise);
      const patches = new Map(kind === null ? [] : [[name(kind), { value }]]);
      const result = await model.run(ROWS, { taps, patches, logits: false });
      const [pre, attention, mid, mlp, post] = taps.map((site) => tapOf(result, site).data);
      const sum = (a: Float32Array | undefined, b: Float32Array | undefined) =>
        (a ?? new Float32Array()).map((item, index) => item + (b?.[index] as number));
      assertEquals([kind, mid], [kind, sum(pre, attention)]);
      assertEquals([kind, post], [kind, sum(mid, mlp)]);
      if (kind !== null) assertEquals(tapOf(result, name(kind)).data, value.data);
    }
  }));

Deno.test("patching resid_pre of a block equals patching resid_post of the one before", () =>
  withEachFamily(async (model) => {
    const random = new RandomStream(9, "patch");
    const noise = Array.from({ length: 2 * SEQ * model.config.embed }, () => random.normal());
    const value = tensor("float32", [2, SEQ, model.config.embed], noise);
    const run = async (site: SiteName) =>
      logitsOf(await model.run(ROWS, { patches: new Map([[site, { value }]]) }));
    assertClose(await run("blocks.1.resid_pre"), await run("blocks.0.resid_post"), "rewrittenGraphFloat32");
  }));

Deno.test("a patch of resid_post replaces the steered value whole", () =>
  withEachFamily(async (model) => {
    const site: SiteName = "blocks.1.resid_post";
    const value = tapOf(await model.run(ROWS, { taps: [site], logits: false }), site);
    const patches = new Map([[site, { value }]]);
    const steered = await model.run(ROWS, { patches, steer: randomVectors(model.config, [1]), taps: [site] });
    assertEquals(tapOf(steered, site).data, value.data);
  }));

Deno.test("steering factors of one steer everywhere, of zero nowhere, of one at a place there alone", () =>
  withEachFamily(async (model) => {
    const steer = randomVectors(model.config, [0, 1]);
    const factors = (value: number) => tensor("float32", [2, SEQ], new Array(2 * SEQ).fill(value));
    const run = async (steerFactors: Tensor<"float32">) =>
      logitsOf(await model.run(ROWS, { steer, steerFactors }));
    const off = await run(factors(0)), on = await run(factors(1));
    assertClose(off, logitsOf(await model.run(ROWS)), "rewrittenGraphFloat32");
    assertClose(on, logitsOf(await model.run(ROWS, { steer })), "rewrittenGraphFloat32");
    assertEquals(gap(on, off) > VISIBLE, true);
    const one = factors(0);
    one.data[SEQ + 2] = 1; // row 1, position 2
    const there = await run(one);
    assertEquals(part(there, { row: 0, from: 0, to: SEQ }), part(off, { row: 0, from: 0, to: SEQ }));
    assertEquals(part(there, { row: 1, from: 0, to: 2 }), part(off, { row: 1, from: 0, to: 2 }));
    assertEquals(
      gap(part(there, { row: 1, from: 2, to: 3 }), part(off, { row: 1, from: 2, to: 3 })) > VISIBLE,
      true,
    );
  }));

Deno.test("steering factors scale the vector", () =>
  withEachFamily(async (model) => {
    const steer = randomVectors(model.config, [0]);
    const half = new Map([...steer].map(([layer, vector]) => [layer, vector.map((value) => value / 2)]));
    const steerFactors = tensor("float32", [2, SEQ], new Array(2 * SEQ).fill(0.5));
    const scaled = logitsOf(await model.run(ROWS, { steer, steerFactors }));
    assertClose(scaled, logitsOf(await model.run(ROWS, { steer: half })), "rewrittenGraphFloat32");
  }));

Deno.test("rows of a batch and their padding do not touch each other", () =>
  withEachFamily(async (model) => {
    const ragged = [[5, 17], [33, 8, 8, 60, 1], [2]];
    const together = await model.run(ragged);
    assertEquals(together.lengths, [2, 5, 1]);
    const { vocab } = model.config;
    for (const [row, tokens] of ragged.entries()) {
      const alone = logitsOf(await model.run([tokens]));
      const here = logitsOf(together).slice(row * SEQ * vocab, (row * SEQ + tokens.length) * vocab);
      assertClose(here, alone, "rewrittenGraphFloat32");
    }
  }));
