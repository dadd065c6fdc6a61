import { assertEquals, assertStringIncludes } from "@std/assert";
import { Laboratory, NotApplicable, ResultStore } from "../../lib/experiment/mod.ts";
import { claimsItem } from "../../reproductions/claims.ts";
import { fig01 } from "../../reproductions/fig01.ts";
import { fig09 } from "../../reproductions/fig09.ts";
import { EMBEDDED, TINY_SIZE, withZooModel } from "../experiment/_tiny_zoo.ts";

Deno.test("claims are decided on a model alone, and say what its profile has no model for", () =>
  withZooModel(async (a) => {
    const lab = new Laboratory({ asked: EMBEDDED, size: TINY_SIZE, seed: 0, store: new ResultStore(null) });
    const { values } = await claimsItem([fig01, fig09]).run({
      lab,
      roles: ["a"],
      open(role) {
        if (role === "a") return Promise.resolve(a);
        throw new NotApplicable(`the profile has no model of the role ${role}`);
      },
    });
    const valueOf = (name: string) => values.find((value) => value.name === name);
    assertEquals(typeof valueOf("positive.claim_9")?.value, "number");
    assertEquals(valueOf("control.claim_9")?.value, null);
    assertStringIncludes(valueOf("control.claim_9")?.note ?? "", "not measured: the profile has no control");
  }));
