import { assert, assertEquals } from "@std/assert";
import { ensureFolder } from "../../lib/checkpoint/mod.ts";
import { type MetricValue, readPaperItem, serializeMetrics } from "../../lib/report/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { paperRegression } from "./_finished_profile.ts";

/** Where `reproduce --profile paper` leaves its results; another folder comes as `deno test … -- --paper DIR`. */
const given = Deno.args.indexOf("--paper");
const folder = given < 0 ? "out/paper" : Deno.args[given + 1] ?? "out/paper";
const { items } = await paperRegression(folder);

Deno.test({
  name: "a finished paper profile agrees with every attested number of the paper",
  ignore: items.length === 0,
  fn: async () => {
    const { compared, faults } = await paperRegression(folder);
    assert(compared > 0, `${folder} has ${items.join(", ")}, of which the paper says no number`);
    assertEquals(faults, []);
  },
});

/** Results that say of every attested number of an item what the paper says, but for the given changes. */
async function writeFinished(
  folder: string,
  id: string,
  options: { readonly change?: Readonly<Record<string, number>>; readonly profile?: string } = {},
): Promise<void> {
  const { change = {}, profile = "paper" } = options;
  const paper = await readPaperItem(`fixtures/paper/${id}.json`, { item: id });
  const values = paper.values.flatMap(({ name, value, unit }): MetricValue[] => {
    const ours = change[name] ?? value;
    if (ours === null) return [];
    const uncertainty = { kind: "interval", level: 0.95, low: ours - 1, high: ours + 1 } as const;
    return [{ name, value: ours, unit, uncertainty }];
  });
  await ensureFolder(`${folder}/${id}`);
  const metrics = serializeMetrics({
    ...{ schemaVersion: 1, id, title: "made up", profile, values, checks: [], claims: [], inputs: {} },
    ...{ seed: 0, device: "cpu", dtype: "float32", versions: {} },
  });
  await Deno.writeTextFile(`${folder}/${id}/metrics.json`, metrics);
}

Deno.test("paperRegression() passes a made-up finished profile and names each number that lies apart", () =>
  withFolder(async (folder) => {
    assertEquals(await paperRegression(`${folder}/none`), { items: [], compared: 0, faults: [] });
    const ids = ["fig1", "fig9", "fig19", "table2", "table6"];
    for (const id of ids) await writeFinished(folder, id);
    const good = await paperRegression(folder);
    assertEquals([good.items, good.faults], [ids.toSorted(), []]);
    assert(good.compared > 20, `${good.compared} numbers`);
    // ± 1.1 around 42.9 and ± √(1 + (1.96 · 1.7)²) + 0.1 around 14.3.
    await writeFinished(folder, "fig1", {
      change: { "accuracy.all_layers": 44.1, "accuracy.base.sampling": 17.8 },
    });
    assertEquals((await paperRegression(folder)).faults, ["fig1 accuracy.all_layers: 44.1 for 42.9 ± 1.10"]);
    await writeFinished(folder, "fig1", { change: { "accuracy.base.sampling": 18 } });
    assertEquals((await paperRegression(folder)).faults, ["fig1 accuracy.base.sampling: 18 for 14.3 ± 3.58"]);
    await writeFinished(folder, "fig1", { profile: "embedded" });
    assertEquals((await paperRegression(folder)).faults, ["fig1: results of the profile embedded"]);
  }));
