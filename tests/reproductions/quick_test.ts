import { assertEquals } from "@std/assert";
import { withFolder } from "../checkpoint/_folder.ts";
import { reproduceEverything } from "./_reproduced.ts";

Deno.test("every table and figure of the shipped zoo, on few problems: files, values, claims", (t) =>
  withFolder(async (folder) => {
    const { code, output } = await reproduceEverything(t, {
      size: "quick",
      folder,
      store: `${folder}/store`,
    });
    assertEquals(code, 0, output);
  }));
