/**
 * Every table and figure of the shipped zoo on few problems: files, values, claims, and the pictures as published. `deno task
 * test:items` runs it, `deno task test` does not.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { withFolder } from "../checkpoint/_folder.ts";
import { redrawAsPublished, reproduceEverything } from "../reproductions/_reproduced.ts";

Deno.test("every table and figure of the shipped zoo, on few problems: files, values, claims", (t) =>
  withFolder(async (folder) => {
    const where = { size: "quick", folder, store: `${folder}/store` } as const;
    const { code, output } = await reproduceEverything(t, where);
    assertEquals(code, 0, output);
    await redrawAsPublished(t, where);
  }));
