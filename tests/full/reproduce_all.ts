/**
 * The full regression test: every table and figure at its full size, every expected value, every claim. It takes minutes
 * and reads what earlier runs measured; `deno task test:full` runs it, `deno task test` does not.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { REPOSITORY } from "../../tasks/_reproduction_setting.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { reproduceEverything } from "../reproductions/_reproduced.ts";

/** Of the eleven claims, those that must hold on the positive zoo at least. */
const LEAST_CLAIMS = 9;

Deno.test("reproduce all: every item is whole, every value lies within its tolerance, and the claims stand", (t) =>
  withFolder(async (folder) => {
    const { code, output, metricsOf } = await reproduceEverything(t, {
      size: "full",
      folder,
      store: REPOSITORY.store,
    });
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
