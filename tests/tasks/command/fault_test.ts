import { assertEquals, assertStringIncludes } from "@std/assert";
import { InputError } from "../../../lib/core/mod.ts";
import { faultOf } from "../../../tasks/command/fault.ts";

/** What really reading or writing a path throws. */
function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("expected it to throw");
}

Deno.test("faultOf() prints an input fault as one line without a stack", () => {
  const error = new InputError("no model", { where: "./a", repair: "pass --model" });
  assertEquals(faultOf(error), { code: 2, text: "error: no model: ./a (pass --model)\n" });
});

Deno.test("faultOf() turns faults of the file system into one line that names the path", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const cases = [
      [
        () => Deno.readTextFileSync(`${folder}/none`),
        `no such file or folder: ${folder}/none (check the path)`,
      ],
      [() => Deno.readTextFileSync(folder), `is a folder, not a file: ${folder} (check the path)`],
      [() => Deno.mkdirSync(folder), `exists already: ${folder} (choose another path or remove it)`],
    ] as const;
    for (const [work, line] of cases) {
      assertEquals(faultOf(thrownBy(work)), { code: 2, text: `error: ${line}\n` });
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("faultOf() knows faults by class and by code", () => {
  const denied = new Deno.errors.PermissionDenied("Permission denied (os error 13): open '/srv/x'");
  assertStringIncludes(faultOf(denied).text, "error: not allowed to open: /srv/x (");
  const full = Object.assign(new Error("No space left on device (os error 28): write '/out/a'"), {
    code: "ENOSPC",
  });
  assertEquals(
    faultOf(full).text,
    "error: the disk is full: /out/a (free some space or choose another folder)\n",
  );
  const capable = new Deno.errors.NotCapable(
    'Requires net access to "x:80", run again with the --allow-net flag',
  );
  assertEquals(faultOf(capable), {
    code: 2,
    text: 'error: no permission for net access to "x:80" (run it through deno task)\n',
  });
});

Deno.test("faultOf() keeps the stack of a bug", () => {
  const fault = faultOf(new TypeError("undefined is not a function"));
  assertEquals(fault.code, 70);
  assertStringIncludes(fault.text, "TypeError: undefined is not a function\n    at ");
  assertEquals(faultOf(new Deno.errors.NotFound("no path here")).code, 70);
  assertEquals(faultOf("a thrown text").text.endsWith("\na thrown text\n"), true);
});

Deno.test("faultOf() is silent when the reader of the output has gone", () => {
  assertEquals(faultOf(new Deno.errors.BrokenPipe("Broken pipe (os error 32)")), { code: 141, text: "" });
});
