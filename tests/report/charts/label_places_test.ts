import { assert, assertEquals } from "@std/assert";
import { RandomStream } from "../../../lib/core/mod.ts";
import { labelPlaces } from "../../../lib/report/charts/_label_places.ts";

const FRAME = { gap: 10, low: 0, high: 100 };

Deno.test("labelPlaces() leaves labels that do not overlap where they want to be", () => {
  assertEquals(labelPlaces([50, 10, 90], FRAME), [50, 10, 90]);
  assertEquals(labelPlaces([], FRAME), []);
});

Deno.test("labelPlaces() spreads overlapping labels evenly about their mean, in order", () => {
  assertEquals(labelPlaces([50, 52], FRAME), [46, 56]);
  assertEquals(labelPlaces([52, 50], FRAME), [56, 46]);
  assertEquals(labelPlaces([50, 50, 50], FRAME), [40, 50, 60]);
  // 40 and 41 spread to 35.5 and 45.5, which meets 47: all three about their mean 42.67.
  assertEquals(labelPlaces([40, 41, 47], FRAME).map((place) => place.toFixed(2)), [
    "32.67",
    "42.67",
    "52.67",
  ]);
});

Deno.test("labelPlaces() stays inside the ends", () => {
  assertEquals(labelPlaces([1, 2], FRAME), [0, 10]);
  assertEquals(labelPlaces([99, 100, 100], FRAME), [80, 90, 100]);
});

Deno.test("labelPlaces() never lets labels overlap or leave their order", () => {
  const random = new RandomStream(0, "labels");
  for (let time = 0; time < 300; time++) {
    const wanted = Array.from(
      { length: random.integer({ from: 1, below: 9 }) },
      () => 100 * random.uniform(),
    );
    const places = labelPlaces(wanted, FRAME);
    const order = wanted.map((_, index) => index).sort((a, b) =>
      (wanted[a] as number) - (wanted[b] as number)
    );
    order.forEach((label, index) => {
      const place = places[label] as number, before = places[order[index - 1] ?? -1] ?? -10;
      assert(
        place >= before + 10 - 1e-9 && place >= -1e-9 && place <= 100 + 1e-9,
        `${wanted} went to ${places}`,
      );
    });
  }
});
