import { assertEquals } from "@std/assert";
import { RandomStream, tensor } from "../../lib/core/mod.ts";
import { drawToken } from "../../lib/decode/_draw_token.ts";
import { GraphBuilder } from "../../lib/onnx/mod.ts";
import { numbersOf, withSession } from "../onnx/_run_graph.ts";

/** Draws one token per row of probabilities by the graph. */
async function drawn(
  rows: readonly (readonly number[])[],
  uniforms: readonly number[],
): Promise<readonly number[]> {
  const vocab = rows[0]?.length ?? 0;
  const g = new GraphBuilder("draw");
  const p = g.input("p", "float32", ["batch", vocab]), u = g.input("u", "float32", ["batch", 1]);
  g.output("token", drawToken(g, p, { uniform: u }));
  return await withSession(g.build(), async (session) => {
    const { token } = await session.run({
      p: tensor("float32", [rows.length, vocab], rows.flat()),
      u: tensor("float32", [rows.length, 1], uniforms),
    });
    return numbersOf(token);
  });
}

/** The plain running sum in float64: the token, and how far u·T lies from the nearer end of its interval. */
function plain(row: readonly number[], uniform: number): { readonly token: number; readonly margin: number } {
  const total = row.reduce((sum, p) => sum + p, 0), point = uniform * total;
  let start = 0, token = 0;
  for (; token < row.length - 1; token++) {
    const end = start + (row[token] as number);
    if (point < end) break;
    start = end;
  }
  return { token, margin: Math.min(point - start, start + (row[token] as number) - point) / total };
}

/** Sizes around squares and products of blocks, primes among them; one token alone is a vocabulary too. */
const SIZES = [1, 2, 3, 4, 5, 9, 10, 61, 64, 65, 97, 100, 101, 1000];

Deno.test("drawToken() is the plain running sum, bit for bit, where no sum rounds", async () => {
  for (const vocab of SIZES) {
    const random = new RandomStream(3, "dyadic", vocab);
    // Whole numbers below 2^8 and uniforms of 2^-10: every sum and u·T are exact in float32, ends are hit exactly.
    const rows = Array.from(
      { length: 64 },
      () => Array.from({ length: vocab }, () => random.integer({ below: 4 }) * random.integer({ below: 64 })),
    );
    for (const row of rows) if (Math.max(...row) === 0) row[vocab - 1] = 1;
    const uniforms = rows.map(() => random.integer({ below: 1024 }) / 1024);
    const expected = rows.map((row, index) => plain(row, uniforms[index] as number).token);
    assertEquals(await drawn(rows, uniforms), expected, `${vocab} tokens`);
  }
});

Deno.test("drawToken() differs from the plain running sum only within rounding of an interval's end", async () => {
  let compared = 0, close = 0;
  for (const vocab of [61, 1000, 4099]) {
    const random = new RandomStream(4, "rounded", vocab);
    const rows = Array.from({ length: 256 }, () => {
      const weights = Array.from({ length: vocab }, () => Math.exp(3 * random.normal()));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      return weights.map((weight) => Math.fround(weight / total));
    });
    const uniforms = rows.map(() => Math.fround(random.uniform() * (1 - 2 ** -24)));
    const tokens = await drawn(rows, uniforms);
    rows.forEach((row, index) => {
      const { token, margin } = plain(row, uniforms[index] as number);
      // Sums of at most 4099 terms in two levels of 64: about a hundred roundings of 2^-24.
      if (margin > 1e-5) {
        compared++;
        assertEquals(tokens[index], token, `${vocab} tokens, row ${index}, margin ${margin}`);
      } else {
        close++;
        assertEquals((row[tokens[index] as number] as number) > 0, true);
      }
    });
  }
  assertEquals([compared > 700, close < 60], [true, true], `${compared} compared, ${close} too close`);
});

Deno.test("drawToken() never takes a token of no probability, whatever the uniform", async () => {
  for (const vocab of SIZES) {
    for (let likely = 0; likely < vocab; likely += Math.max(1, Math.floor(vocab / 7))) {
      const row = Array.from({ length: vocab }, (_, token) => (token === likely ? 0.3 : 0));
      const uniforms = [0, 0.5, 1 - 2 ** -24, 1];
      assertEquals(await drawn(uniforms.map(() => row), uniforms), uniforms.map(() => likely));
    }
  }
});

Deno.test("drawToken() draws each token as often as its probability says", async () => {
  const row = [0.5, 0, 0.125, 0.25, 0.0625, 0.0625, 0];
  const uniforms = Array.from({ length: 64 }, (_, step) => (step + 0.5) / 64);
  const counts = new Array(row.length).fill(0);
  for (const token of await drawn(uniforms.map(() => row), uniforms)) counts[token]++;
  assertEquals(counts, row.map((p) => p * 64));
});
