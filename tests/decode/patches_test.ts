import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { type Tensor, tensor, zeros } from "../../lib/core/mod.ts";
import type { Patch } from "../../lib/decode/mod.ts";
import { HEAD_NORM_SITE_KINDS, siteKindsOf, type SiteName, siteName } from "../../lib/model/mod.ts";
import { assertClose } from "../tolerances.ts";
import { requestsOf, STOPPING } from "./_reference.ts";
import { randomVectors, withEachFamily, withTinyModel } from "./_tiny_model.ts";

const ROWS = [[3, 14, 15, 9, 26, 5], [27, 1, 8], [4, 4]];

Deno.test("a mask of heads patches those heads alone: all heads one after the other are the whole site", () =>
  withEachFamily(async (model) => {
    const { heads, kvHeads } = model.config;
    for (const kind of ["q", "k", "head_out", "attn_weights"] as const) {
      const site = siteName({ layer: 0, kind }), count = kind === "k" ? kvHeads : heads;
      const other = (await model.run([[9, 8, 7, 6, 5, 4]], { taps: [site], logits: false })).taps.get(site);
      const value = other as Tensor<"float32">, row = [ROWS[0] as number[]];
      const of = async (mask?: Tensor<"bool">) => {
        const patch: Patch = mask === undefined ? { value } : { value, mask };
        const run = await model.run(row, { patches: { [site]: patch }, taps: [site] });
        return { logits: run.logits?.data, tap: run.taps.get(site)?.data as Float32Array };
      };
      const whole = await of(), base = await of(zeros("bool", [1, 1]));
      const every = tensor("bool", [1, 1, count], new Uint8Array(count).fill(1));
      assertEquals((await of(every)).logits, whole.logits);
      const first = await of(
        tensor("bool", [1, 1, count], Uint8Array.from({ length: count }, (_, h) => h === 0 ? 1 : 0)),
      );
      const headOf = kind === "attn_weights"
        ? (at: number) => Math.floor(at / 36) % count
        : (at: number) => Math.floor(at / model.config.headDim) % count;
      first.tap.forEach((x, at) => assertEquals(x, (headOf(at) === 0 ? whole : base).tap[at]));
      if (count > 1) assertNotEquals(first.logits, whole.logits);
    }
    await assertRejects(
      () =>
        model.run([[1, 2]], {
          patches: {
            "blocks.0.mlp_out": { value: zeros("float32", [1, 1, 1]), mask: zeros("bool", [1, 1, 4]) },
          },
        }),
      RangeError,
      "its mask must be [1, 2]",
    );
  }));

Deno.test("logProbs() under patches are those of run() under them, however rows are split into batches", () =>
  withTinyModel(async (model) => {
    const rows = ROWS.map((tokens) => ({ tokens, from: 1 })), seq = 5, { embed } = model.config;
    const data = Float32Array.from({ length: 3 * seq * embed }, (_, i) => Math.sin(i));
    const mask = tensor("bool", [3, seq], Array.from({ length: 15 }, (_, i) => i % 2));
    const patches = {
      "blocks.0.resid_mid": { value: tensor("float32", [3, seq, embed], data), mask },
    } as const;
    const together = await model.logProbs(rows, { patches });
    for (const maxTokens of [1, 6]) {
      const split = await model.logProbs(rows, { patches, maxTokens });
      together.forEach((own, row) => assertClose(split[row] ?? [], own, "logProbabilityFloat32"));
    }
    const { logits } = await model.run(ROWS.map((row) => row.slice(0, -1)), { patches });
    const { vocab } = model.config;
    together.forEach((own, row) =>
      own.forEach((value, t) => {
        const scores = Array.from(
          logits?.data.subarray((row * seq + t) * vocab, (row * seq + t + 1) * vocab) ?? [],
        );
        const normaliser = Math.log(scores.reduce((sum, score) => sum + Math.exp(score), 0));
        assertClose(
          [value],
          [(scores[ROWS[row]?.[t + 1] as number] as number) - normaliser],
          "logProbabilityFloat32",
        );
      })
    );
  }));

Deno.test("generate() under patches is what runs with their prompts patched give, at every site that it can patch", () =>
  withEachFamily(async (model) => {
    const requests = requestsOf(model, 4), longest = Math.max(...requests.map(({ tokens }) => tokens.length));
    const kinds = [...siteKindsOf(model.config), ...HEAD_NORM_SITE_KINDS].filter((kind, at, all) =>
      kind !== "attn_weights" && siteKindsOf(model.config).includes(kind) && all.indexOf(kind) === at
    );
    for (const kind of kinds) {
      const site: SiteName = siteName({ layer: 1, kind });
      const taps = (await model.run([Array.from({ length: longest }, (_, i) => i + 2)], { taps: [site] }))
        .taps.get(site);
      const value = taps as Tensor<"float32">; // [1, longest, …]: the same for every prompt
      const patched = await model.generate(requests, {
        maxNewTokens: 4,
        seed: 1,
        patches: { [site]: { value } },
      });
      const scored = patched.map(({ promptTokens, tokens }) => ({
        tokens: [...promptTokens, ...tokens],
        from: promptTokens.length,
      }));
      for (const [place, row] of scored.entries()) {
        const seq = row.tokens.length - 1, width = value.data.length / longest;
        const data = new Float32Array(seq * width);
        data.set(value.data.subarray(0, row.from * width));
        const mask = tensor("bool", [1, seq], Array.from({ length: seq }, (_, t) => t < row.from ? 1 : 0));
        const whole = { value: tensor("float32", [1, seq, ...value.dims.slice(2)], data), mask };
        const [expected] = await model.logProbs([row], { patches: { [site]: whole } });
        assertClose(patched[place]?.logProbs ?? [], expected ?? [], "logProbabilityFloat32");
      }
      if (kind === "resid_post") {
        assertNotEquals(patched, await model.generate(requests, { maxNewTokens: 4, seed: 1 }));
      }
    }
    const weights = { value: zeros("float32", [1, 1, 1, 1]) };
    await assertRejects(
      () => model.generate(requests, { maxNewTokens: 1, patches: { "blocks.0.attn_weights": weights } }),
      RangeError,
      'Cannot patch "blocks.0.attn_weights" while generating',
    );
    const routed = { steer: randomVectors(model.config, [0]), lastBlock: { mode: "head", head: 0 } } as const;
    await assertRejects(
      () => model.generate(requests, { maxNewTokens: 1, ...routed, patches: { "blocks.1.v": weights } }),
      RangeError,
      'Cannot patch "blocks.1.v" as the last block must have one of it',
    );
  }));

Deno.test("stragglers that read again what they have are patched in their prompts alone", () =>
  withTinyModel(async (model) => {
    const requests = requestsOf(model), value = tensor("float32", [1, 1, 1], [0.5]);
    const options = { maxNewTokens: 10, seed: 2, patches: { "blocks.0.resid_mid": { value } } } as const;
    const whole = await model.generate(requests, { ...options, stragglerShare: 0 });
    const handed = await model.generate(requests, { ...options, batchSize: 3, stragglerShare: 0.7 });
    assertEquals(handed.map(({ tokens }) => tokens), whole.map(({ tokens }) => tokens));
  }, STOPPING));
