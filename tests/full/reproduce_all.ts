/**
 * The full regression test: every table and figure at its full size, every expected value, every claim. It takes minutes
 * and reads what earlier runs measured; `deno task test:full` runs it, `deno task test` does not.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { type Metrics, parseMetrics } from "../../lib/report/mod.ts";
import { REPRODUCTIONS } from "../../reproductions/mod.ts";
import { reproduce } from "../../tasks/reproduce.ts";
import { runOn } from "../tasks/_tiny_zoo.ts";
import { withFolder } from "../checkpoint/_folder.ts";

/** Of the eleven claims, those that must hold on the positive zoo at least. */
const LEAST_CLAIMS = 9;

Deno.test("reproduce all: every item is whole, every value lies within its tolerance, and the claims stand", (t) =>
  withFolder(async (folder) => {
    const { code, output, error } = await runOn(reproduce, ["all", "--quiet", "--out", folder]);
    assert(code === 0 || code === 1, error);
    const metricsOf = async (id: string): Promise<Metrics> => {
      const path = `${folder}/embedded/${id}/metrics.json`;
      return parseMetrics(await Deno.readTextFile(path), path);
    };
    for (const { id } of REPRODUCTIONS) {
      await t.step(`${id}: values within their tolerances`, async () => {
        const { checks, values } = await metricsOf(id);
        if (values.length > 0) assert(checks.length > 0, "no expected values: deno task record " + id);
        const failed = checks.filter(({ verdict }) => verdict === "fail");
        assertEquals(failed.map(({ metric, value, expected }) => ({ metric, value, expected })), []);
      });
    }
    const { claims, values } = await metricsOf("claims");
    for (
      const { claim, statement, holds, note } of claims.filter(({ claim }) => claim.startsWith("control_"))
    ) {
      await t.step(`${claim}: ${statement}`, () => assert(holds === true, note));
    }
    await t.step(`at least ${LEAST_CLAIMS} of the paper's claims hold`, () => {
      const held = values.find(({ name }) => name === "positive.hold")?.value ?? NaN;
      const open = claims.filter(({ claim, holds }) => claim.startsWith("claim_") && holds !== true);
      assert(held >= LEAST_CLAIMS, open.map(({ claim, note }) => `${claim}: ${note}`).join("\n"));
    });
    assertEquals(code, 0, output);
  }));
