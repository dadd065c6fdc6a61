import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { paperValue, readPaperItem } from "../../lib/report/mod.ts";

const FOLDER = new URL("../../fixtures/paper/", import.meta.url);

async function item(id: string) {
  return await readPaperItem(decodeURIComponent(new URL(`${id}.json`, FOLDER).pathname), { item: id });
}

Deno.test("readPaperItem() reads every item of the paper that is kept", async () => {
  const ids: string[] = [];
  for await (const entry of Deno.readDir(FOLDER)) {
    if (!entry.name.endsWith(".json")) continue;
    const id = entry.name.replace(/\.json$/, "");
    assertEquals((await item(id)).item, id);
    ids.push(id);
  }
  assert(ids.includes("fig1") && ids.includes("fig3"));
});

Deno.test("fig1 has 28 layers of which the last alone is attested", async () => {
  const fig1 = await item("fig1");
  const layers = Array.from({ length: 28 }, (_, layer) => paperValue(fig1, `accuracy.layer_${layer}`).value);
  assertEquals(layers, [...Array(27).fill(null), 29.4]);
});

Deno.test("the two figures agree on the accuracies they share", async () => {
  const fig1 = await item("fig1"), fig3 = await item("fig3");
  for (
    const [a, b] of [
      ["accuracy.base.greedy", "accuracy.base.greedy"],
      ["accuracy.base.sampling", "accuracy.base.sampling"],
      ["accuracy.layer_27", "accuracy.last_layer.sampling"],
    ] as const
  ) {
    const left = paperValue(fig1, a), right = paperValue(fig3, b);
    assertEquals([left.value, left.std], [right.value, right.std]);
  }
});

Deno.test("fig3's recovered shares follow from its accuracies", async () => {
  const fig3 = await item("fig3");
  for (const decoding of ["greedy", "sampling"]) {
    const [base, prefix, last, share] = [
      "accuracy.base",
      "accuracy.prefix",
      "accuracy.last_layer",
      "recovered_share",
    ]
      .map((name) => paperValue(fig3, `${name}.${decoding}`).value as number) as [
        number,
        number,
        number,
        number,
      ];
    // One decimal is kept.
    assertEquals(share.toFixed(1), (100 * (prefix - base) / (last - base)).toFixed(1));
  }
});

Deno.test("paperValue() refuses names the item does not have", async () => {
  const fig1 = await item("fig1");
  assertThrows(() => paperValue(fig1, "accuracy.layer_28"), RangeError, '"accuracy.layer_28" of fig1');
});

Deno.test("readPaperItem() refuses a number without source and a source without number", async () => {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  const value = { name: "a", what: "a number", value: 1, unit: "%", std: null, source: "code" };
  const file = (values: unknown[]) => ({
    schemaVersion: 1,
    item: "fig1",
    title: "Title",
    paper: { arxiv: "2509.06608", version: null, code: "none" },
    model: "M",
    values,
    statements: [],
  });
  try {
    for (
      const wrong of [{ ...value, source: null }, { ...value, value: null }, { ...value, source: "hearsay" }]
    ) {
      await Deno.writeTextFile(path, JSON.stringify(file([wrong])));
      await assertRejects(() => readPaperItem(path, { item: "fig1" }), InputError, "values[0]");
    }
    await Deno.writeTextFile(path, JSON.stringify(file([value])));
    assertEquals((await readPaperItem(path, { item: "fig1" })).values.length, 1);
  } finally {
    await Deno.remove(path);
  }
});
