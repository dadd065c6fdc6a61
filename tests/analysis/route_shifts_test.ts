import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { ROUTE_PAIRS, routeShifts, TokenShiftTotals } from "../../lib/analysis/mod.ts";
import { tensor } from "../../lib/core/mod.ts";

/** Logits of one row over two tokens, the first of probability p. */
const row = (p: number) => tensor("float32", [1, 2], [Math.log(p), Math.log(1 - p)]);
const LOGITS = { no_patch: row(0.8), skip_attn: row(0.7), skip_layer: row(0.4), base: row(0.2) };

Deno.test("routeShifts() compares Skip-Attn with each other route, and base with the whole vector", () => {
  const shifts = routeShifts(LOGITS);
  assertEquals(shifts.map(({ name }) => name), [
    "skip_attn→no_patch",
    "skip_attn→skip_layer",
    "skip_attn→base",
    "base→no_patch",
  ]);
  const rises = [0.1, -0.3, -0.5, 0.6]; // of token 0
  shifts.forEach(({ shift }, pair) => {
    const rise = rises[pair] as number;
    assertEquals(shift.maxToken[0], rise > 0 ? 0 : 1);
    assertAlmostEquals(shift.maxShift[0] as number, Math.abs(rise), 1e-7);
  });
  // KL from the first of the pair: .7 ln(.7/.2) + .3 ln(.3/.8).
  const back = shifts[2]?.shift.klNats[0] as number;
  assertAlmostEquals(back, 0.7 * Math.log(3.5) + 0.3 * Math.log(0.375), 1e-6);
});

Deno.test("routeShifts() adds up per pair, and takes other pairs, at a temperature", () => {
  const totals = new Map(ROUTE_PAIRS.map(({ from, to }) => [`${from}→${to}`, new TokenShiftTotals(2)]));
  routeShifts(LOGITS, { totals });
  routeShifts(LOGITS, { totals });
  assertEquals([...totals.values()].map((total) => total.rows), [2, 2, 2, 2]);
  assertAlmostEquals(totals.get("base→no_patch")?.means()[0] as number, 0.6, 1e-7);
  const [own] = routeShifts({ base: row(0.8) }, { pairs: [{ from: "base", to: "base" }], temperature: 2 });
  assertEquals([own?.name, own?.shift.klNats[0]], ["base→base", 0]);
});

Deno.test("routeShifts() names the route that is missing", () => {
  assertThrows(
    () => routeShifts({ base: row(0.5) }),
    RangeError,
    '"skip_attn" must have logits: there are base',
  );
});
