import { assert, assertEquals } from "@std/assert";
import { type Metrics, parseMetrics } from "../../lib/report/mod.ts";
import { REPRODUCTIONS } from "../../reproductions/mod.ts";
import { REPOSITORY, type SizeName } from "../../tasks/study/reproduction_setting.ts";
import { reproduceCommand } from "../../tasks/reproduce.ts";
import { validateSpec } from "../report/_validate_spec.ts";
import { runOn } from "../tasks/_tiny_zoo.ts";

/** What is compared of an item: its picture as a spec, and its numbers. */
const COMPARED = ["spec.vl.json", "metrics.json"] as const;

/**
 * Draws every item that has a published fault as published, a test step each: the same numbers as `reproduceEverything`
 * left in `folder`, another picture.
 */
export async function redrawAsPublished(
  t: Deno.TestContext,
  options: { readonly size: SizeName; readonly folder: string; readonly store: string },
): Promise<void> {
  const { size, folder, store } = options;
  const args = ["all", "--as-published", "--quiet", "--size", size, "--out", folder];
  const { code, error } = await runOn(reproduceCommand({ ...REPOSITORY, store }), args);
  assertEquals(code, 0, error);
  const faulty = REPRODUCTIONS.filter(({ publishedFault }) => publishedFault !== undefined);
  for (const { id, publishedFault = "" } of faulty) {
    await t.step(`${id} as published: the same numbers, another picture that says so`, async () => {
      const filesOf = async (name: string) => {
        const [spec = "", metrics = ""] = await Promise.all(
          COMPARED.map((file) => Deno.readTextFile(`${folder}/embedded/${name}/${file}`)),
        );
        return { spec, metrics };
      };
      const sound = await filesOf(id), published = await filesOf(`${id}.as-published`);
      const line = JSON.stringify(`As published: ${publishedFault}`);
      assertEquals(published.metrics, sound.metrics);
      assertEquals([published.spec.includes(line), sound.spec.includes(line)], [true, false]);
      const drawing = (spec: string) => JSON.stringify({ ...JSON.parse(spec), title: null });
      assert(drawing(published.spec) !== drawing(sound.spec), "only the subtitle differs");
    });
  }
}

/** What the command that reproduces everything left. */
export interface Reproduced {
  readonly code: number;
  readonly output: string;
  readonly metricsOf: (id: string) => Promise<Metrics>;
}

/** Reproduces all items of the shipped zoo, a test step for the values and the figure of each; measurements are kept in `store`. */
export async function reproduceEverything(
  t: Deno.TestContext,
  options: { readonly size: SizeName; readonly folder: string; readonly store: string },
): Promise<Reproduced> {
  const { size, folder, store } = options;
  const args = ["all", "--quiet", "--size", size, "--out", folder];
  const { code, output, error } = await runOn(reproduceCommand({ ...REPOSITORY, store }), args);
  assert(code === 0 || code === 1, error);
  const metricsOf = async (id: string): Promise<Metrics> => {
    const path = `${folder}/embedded/${id}/metrics.json`;
    return parseMetrics(await Deno.readTextFile(path), path);
  };
  for (const { id } of REPRODUCTIONS) {
    await t.step(`${id}: values within their tolerances, and a figure that Vega-Lite knows`, async () => {
      const { checks, values } = await metricsOf(id);
      const unchecked = checks.filter(({ verdict }) => verdict === "not-checked").map(({ metric }) => metric);
      assert(checks.length >= values.length, `nothing expected: deno task record ${id} --size ${size}`);
      assertEquals(unchecked, [], `nothing expected of these: deno task record ${id} --size ${size}`);
      const failed = checks.filter(({ verdict }) => verdict === "fail");
      assertEquals(failed.map(({ metric, value, expected }) => ({ metric, value, expected })), []);
      validateSpec(JSON.parse(await Deno.readTextFile(`${folder}/embedded/${id}/spec.vl.json`)));
    });
  }
  return { code, output, metricsOf };
}
