import { assertEquals, assertRejects } from "@std/assert";
import { RandomStream } from "../../lib/core/mod.ts";
import {
  type Additions,
  type ComparedText,
  type LanguageModel,
  streamDifferenceGraph,
  streamDifferences,
} from "../../lib/decode/mod.ts";
import { readTensor } from "../../lib/checkpoint/mod.ts";
import { siteName } from "../../lib/model/mod.ts";
import { assertClose } from "../tolerances.ts";
import { randomAdapters } from "./_adapters.ts";
import { randomVectors, withEachFamily, withTinyModel } from "./_tiny_model.ts";

/** Texts of unlike lengths, each with an inner span and the whole; an odd number, whose directions cannot cancel. */
function someTexts(vocab: number): readonly ComparedText[] {
  const random = new RandomStream(4, "texts");
  return [7, 3, 12, 1, 5].map((length) => ({
    tokens: Array.from({ length }, () => random.integer({ below: vocab })),
    spans: [[Math.floor(length / 2), length - 1], [0, length]],
  }));
}

const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));

/** Streams [layer][row][embed] of a text behind every block from `first` on. */
async function streamsOf(model: LanguageModel, text: ComparedText, additions: Additions, first: number) {
  const { layers, embed } = model.config;
  const sites = Array.from(
    { length: layers - first },
    (_, at) => siteName({ layer: first + at, kind: "resid_post" }),
  );
  const { taps } = await model.run([text.tokens], { ...additions, taps: sites, logits: false });
  return sites.map((site) => {
    const { data } = taps.get(site) as { readonly data: Float32Array };
    return text.tokens.map((_, row) => data.slice(row * embed, (row + 1) * embed));
  });
}

/** The sums of one layer and span, row by row in float64. */
function summed(texts: readonly (readonly Float32Array[])[], countsZeros: boolean) {
  const embed = 32, zeros = () => new Float64Array(embed);
  const total = {
    ...{ sum: zeros(), units: zeros(), textUnits: zeros(), textDirections: zeros() },
    ...{ ownByToken: 0, ownByText: 0, rows: 0, texts: 0, directedTexts: 0, fedRows: 0, zeroRows: 0 },
  };
  const add = (to: Float64Array, from: ArrayLike<number>, factor: number) =>
    to.forEach((value, at) => to[at] = value + factor * (from[at] as number));
  for (const rows of texts) {
    const sum = zeros(), units = zeros(), moved = rows.filter((row) => norm(row) > 0);
    for (const row of moved) {
      add(sum, row, 1);
      add(units, row, 1 / norm(row));
    }
    const counted = countsZeros ? rows.length : moved.length;
    total.fedRows += rows.length;
    total.zeroRows += rows.length - moved.length;
    total.rows += counted;
    if (counted === 0) continue;
    total.texts++;
    add(total.sum, sum, 1);
    add(total.units, units, 1);
    add(total.textUnits, units, 1 / counted);
    if (norm(sum) === 0) continue;
    total.directedTexts++;
    add(total.textDirections, sum, 1 / norm(sum));
    const own = units.reduce((dot, value, at) => dot + value * (sum[at] as number), 0) / norm(sum);
    total.ownByToken += own;
    total.ownByText += own / counted;
  }
  return total;
}

Deno.test("streamDifferences() sums what two runs differ in, row by row, under every kind of addition", () =>
  withEachFamily(async (model) => {
    const { config } = model, texts = someTexts(config.vocab), countsZeros = [false, true];
    const steer = randomVectors(config, [0, 1]);
    const gain = await readTensor(
      model.checkpoint.weights.get("model.norm.weight") ?? (() => {
        throw new Error("no norm");
      })(),
    );
    const additions: readonly (readonly [Additions, number])[] = [
      [{ steer }, 0],
      [{ steer: randomVectors(config, [1]) }, 1],
      [{ steer: new Map([[0, new Float32Array(32)]]) }, 0], // nothing differs anywhere
      [{ steer, place: "attention" }, 0],
      [{ steer, lastBlock: { mode: "v", head: 0 } }, 0],
      [{ adapters: randomAdapters(config, [1]) }, 1],
    ];
    for (const [added, first] of additions) {
      const found = await streamDifferences(model, texts, { additions: added, countsZeros });
      assertEquals([...found.layers.keys()], [0, 1].slice(first));
      const base: (readonly (readonly Float32Array[])[])[] = [], changed: typeof base = [];
      for (const text of texts) {
        base.push(await streamsOf(model, text, {}, first));
        changed.push(await streamsOf(model, text, added, first));
      }
      const within = (span: number, of: (text: number, row: number) => Float32Array) =>
        texts.map(({ spans }, text) => {
          const [from, to] = spans[span] as readonly [number, number];
          return Array.from({ length: to - from }, (_, at) => of(text, from + at));
        });
      const rowsOf = (from: typeof base, layer: number, text: number, row: number) =>
        from[text]?.[layer - first]?.[row] as Float32Array;
      for (const [layer, bySpan] of found.layers) {
        bySpan.forEach((sums, span) => {
          const expected = summed(
            within(
              span,
              (text, row) =>
                rowsOf(changed, layer, text, row).map((value, at) =>
                  value - (rowsOf(base, layer, text, row)[at] as number)
                ),
            ),
            countsZeros[span] as boolean,
          );
          assertEquals(sums.textDirections === null, span > 0);
          assertClose(
            sums.textDirections ?? [],
            span > 0 ? [] : expected.textDirections,
            "streamDifferences",
          );
          for (const key of ["sum", "units", "textUnits"] as const) {
            assertClose(sums[key], expected[key], "streamDifferences");
          }
          for (const key of ["ownByToken", "ownByText"] as const) {
            assertClose([sums[key]], [expected[key]], "streamDifferences");
          }
          for (const key of ["rows", "texts", "directedTexts", "fedRows", "zeroRows"] as const) {
            assertEquals(sums[key], expected[key], key);
          }
        });
      }
      const normed = (row: Float32Array) => {
        const rms = Math.sqrt(norm(row) ** 2 / row.length + config.rmsNormEps);
        return Float64Array.from(row, (value, at) => value * (gain[at] as number) / rms);
      };
      const last = config.layers - 1;
      for (
        const [kind, of] of [["last", (row: Float32Array) => Float64Array.from(row)], [
          "normed",
          normed,
        ]] as const
      ) {
        const byText = within(0, (text, row) => {
          const [before, after] = [base, changed].map((from) => of(rowsOf(from, last, text, row)));
          return Float32Array.from(after as Float64Array, (value, at) => value - (before?.[at] as number));
        });
        byText.forEach((rows, text) => {
          const sum = new Float64Array(32);
          rows.forEach((row) => row.forEach((value, at) => sum[at] = (sum[at] as number) + value));
          assertClose(found[kind][text] ?? [], sum, "streamDifferences");
        });
      }
    }
  }));

Deno.test("streamDifferences() refuses texts that are too long, and to compare nothing", () =>
  withTinyModel(async (model) => {
    const texts = [{ tokens: [1, 2, 3], spans: [[0, 3]] as const }];
    const steer = randomVectors(model.config, [0]), countsZeros = [false];
    const compare = (additions: Additions) => streamDifferences(model, texts, { additions, countsZeros });
    await assertRejects(() => compare({ steer }), RangeError, "Cannot compare row 0 as it must fit");
    const short = [{ tokens: [1, 2], spans: [[0, 2]] as const }];
    await assertRejects(
      () => streamDifferences(model, short, { additions: {}, countsZeros }),
      RangeError,
      "a layer must be steered or adapted",
    );
  }, { maxPositions: 2 }));

Deno.test("streamDifferenceGraph() is one for all values that it is fed", () =>
  withTinyModel((model) => {
    const of = (layer: number, size: number, countsZeros = [false]) => {
      const steer = new Map([[layer, new Float32Array(32).fill(size)]]);
      return model.ownGraphHash(streamDifferenceGraph(model, { additions: { steer }, countsZeros }));
    };
    assertEquals(of(0, 1), of(0, 2));
    assertEquals(new Set([of(0, 1), of(1, 1), of(0, 1, [true]), of(0, 1, [false, true])]).size, 4);
    return Promise.resolve();
  }));
