import { assertEquals, assertThrows } from "@std/assert";
import { groupShifts, SHIFT_LABELINGS, type ShiftRow } from "../../../lib/analysis/mod.ts";

const TEXT = (token: number): string => "abcdefgh"[token] as string;

function row(values: Partial<ShiftRow>): ShiftRow {
  return {
    sample: 0,
    position: 0,
    source: 0,
    baseToken: 0,
    steeredToken: 0,
    maxToken: 0,
    maxShift: 0,
    minToken: 0,
    minShift: 0,
    klNats: 0,
    followed: [],
    ...values,
  };
}

const ROWS: readonly ShiftRow[] = [
  row({ position: 0, source: 1, maxToken: 0, maxShift: 0.9, minToken: 1, minShift: -0.4 }),
  row({ position: 1, source: 2, maxToken: 0, maxShift: 0.1, minToken: 1, minShift: -0.2 }),
  row({ position: 2, source: 2, maxToken: 1, maxShift: 0.6, minToken: 2, minShift: -0.5 }),
  row({ position: 3, source: 2, maxToken: 1, maxShift: 0.6, minToken: 2, minShift: -0.3 }),
  row({ position: 4, source: 2, maxToken: 2, maxShift: 0.99, minToken: 0, minShift: -0.9 }),
];

function summary(options: Parameters<typeof groupShifts>[1]): [string, number, number][] {
  return groupShifts(ROWS, { text: TEXT, ...options }).map((group) => [
    group.label,
    group.values.length,
    Number(group.mean.toFixed(9)),
  ]);
}

Deno.test("groupShifts() ranks tokens that occur twice by their largest shift", () => {
  assertEquals(summary({}), [["a", 2, 0.5], ["b", 2, 0.6]]);
  assertEquals(summary({ rank: "mean" }), [["b", 2, 0.6], ["a", 2, 0.5]]);
  assertEquals(summary({ first: 1 }), [["a", 2, 0.5]]);
  assertEquals(summary({ minimumCount: 1 }), [["c", 1, 0.99], ["a", 2, 0.5], ["b", 2, 0.6]]);
});

Deno.test("groupShifts() ranks the falling side upwards from the strongest fall", () => {
  assertEquals(summary({ side: "falling" }), [["c", 2, -0.4], ["b", 2, -0.3]]);
  assertEquals(groupShifts(ROWS, { side: "falling", text: TEXT })[0]?.extreme, -0.5);
});

Deno.test("groupShifts() builds every label of the published analysis", () => {
  const labels = SHIFT_LABELINGS.map((labeling) => [
    labeling,
    groupShifts([row({ position: 3, source: 1, baseToken: 2, maxToken: 3 })], {
      labeling,
      text: TEXT,
      minimumCount: 1,
    })[0]
      ?.label,
  ]);
  assertEquals(Object.fromEntries(labels), {
    "dst": "d",
    "src": "b",
    "would_be": "c",
    "would_be→dst": "c→d",
    "src:dst": "b:d",
    "src:would_be→dst": "b:c→d",
    "position": "3",
    "position:dst": "3:d",
    "position:would_be→dst": "3:c→d",
    "first/other": "other",
    "first/other:dst": "other:d",
    "first/other:would_be→dst": "other:c→d",
  });
});

Deno.test("groupShifts() keeps the first position apart", () => {
  const groups = groupShifts(ROWS, { labeling: "first/other", minimumCount: 1 });
  assertEquals(groups.map((group) => [group.label, group.values.length]), [["other", 4], ["first", 1]]);
});

Deno.test("groupShifts() orders equal groups by label, whatever the order of rows", () => {
  const rows = [row({ maxToken: 1, maxShift: 0.5 }), row({ maxToken: 0, maxShift: 0.5 })];
  const labels = (list: readonly ShiftRow[]) =>
    groupShifts(list, { text: TEXT, minimumCount: 1 }).map((g) => g.label);
  assertEquals(labels(rows), ["a", "b"]);
  assertEquals(labels(rows.toReversed()), ["a", "b"]);
});

Deno.test("groupShifts() refuses to keep fewer than one group", () => {
  assertThrows(() => groupShifts(ROWS, { first: 0 }), RangeError, "at least 1");
});

Deno.test("groupShifts() groups KL by the same labels, the largest first on either side", () => {
  const rows = [
    row({ maxToken: 0, minToken: 1, maxShift: 0.9, minShift: -0.1, klNats: 0.1 }),
    row({ maxToken: 0, minToken: 2, maxShift: 0.8, minShift: -0.2, klNats: 0.3 }),
    row({ maxToken: 1, minToken: 2, maxShift: 0.1, minShift: -0.3, klNats: 0.5 }),
  ];
  const kl = (side: "rising" | "falling") =>
    groupShifts(rows, { value: "kl", side, text: TEXT, minimumCount: 1 }).map((group) => [
      group.label,
      group.extreme,
      group.values,
    ]);
  assertEquals(kl("rising"), [["b", 0.5, [0.5]], ["a", 0.3, [0.1, 0.3]]]);
  assertEquals(kl("falling"), [["c", 0.5, [0.3, 0.5]], ["b", 0.1, [0.1]]]);
});

Deno.test("groupShifts() falls back to rare labels only where asked, and only when no other is left", () => {
  const rows = [row({ maxToken: 0, maxShift: 0.2 }), row({ maxToken: 1, maxShift: 0.4 })];
  const labels = (list: readonly ShiftRow[], rare: "none" | "all") =>
    groupShifts(list, { text: TEXT, rare }).map((group) => group.label);
  assertEquals(labels(rows, "none"), []);
  assertEquals(labels(rows, "all"), ["b", "a"]);
  assertEquals(labels([...rows, row({ maxToken: 0, maxShift: 0.1 })], "all"), ["a"]);
});
