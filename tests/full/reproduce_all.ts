/**
 * The full regression test: every table and figure at its full size, every expected value, every claim. It takes minutes,
 * from an empty store: nothing that earlier code measured is read; `deno task test:full` runs it, `deno task test` does not.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { withFolder } from "../checkpoint/_folder.ts";
import { reproduceEverything } from "../reproductions/_reproduced.ts";

Deno.test("reproduce all: every item is whole, every value lies within its tolerance, and every verdict is that of claims.json", (t) =>
  withFolder(async (folder) => {
    const { code, output, metricsOf } = await reproduceEverything(t, {
      size: "full",
      folder,
      store: `${folder}/store`,
    });
    const { checks } = await metricsOf("claims");
    // Effects are real numbers, and held to their tolerance with the other values.
    const verdicts = checks.filter(({ metric }) =>
      /^(?:verdict|planted|claim)\./.test(metric) && !metric.endsWith(".effect")
    );
    for (const { metric, value, expected, verdict } of verdicts) {
      await t.step(`${metric} is ${expected}`, () => assertEquals([value, verdict], [expected, "pass"]));
    }
    assert(verdicts.length > 0, "expected/full/claims.json names no verdict");
    assertEquals(code, 0, output);
  }));
