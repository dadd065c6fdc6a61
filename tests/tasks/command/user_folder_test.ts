import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError } from "../../../lib/core/mod.ts";
import { defineCommand, runCommand } from "../../../tasks/command/command.ts";
import { projectPath, userFolder } from "../../../tasks/command/user_folder.ts";
import { fakeTerminal } from "../_fake_terminal.ts";

const ROOT = new URL("../../../", import.meta.url);

Deno.test("userFolder() is where deno task was called, and nothing where that is not told", () => {
  assertEquals(userFolder({ get: (name) => name === "INIT_CWD" ? "/home/ada" : undefined }), "/home/ada");
  assertEquals(userFolder({ get: () => undefined }), null);
  assertEquals(userFolder({ get: () => "" }), null);
  const refuse = (error: Error) => () =>
    userFolder({
      get() {
        throw error;
      },
    });
  assertEquals(refuse(new Deno.errors.NotCapable("Requires env access"))(), null);
  assertThrows(refuse(new TypeError("broken")), TypeError, "broken");
});

Deno.test("runCommand() enters the user's folder once, before it looks at anything", async () => {
  const order: string[] = [];
  const command = defineCommand({
    name: "x",
    summary: "X.",
    flags: {},
    examples: [],
    run: () => void order.push("run"),
  });
  const terminal = { ...fakeTerminal([]), enterUserFolder: () => void order.push("enter") };
  assertEquals([await runCommand(command, terminal), order], [0, ["enter", "run"]]);
  const unknown = fakeTerminal(["--what"]);
  assertEquals([await runCommand(command, unknown), unknown.entered()], [2, 1]);
  const lost = {
    ...fakeTerminal([]),
    enterUserFolder() {
      throw new InputError("no such place");
    },
  };
  assertEquals([await runCommand(command, lost), lost.written.error], [2, "error: no such place\n"]);
});

Deno.test("projectPath() is short below the current folder and whole elsewhere", () => {
  const path = projectPath("fixtures/profiles/embedded.json"),
    whole = new URL("fixtures/profiles/embedded.json", ROOT);
  assert(Deno.statSync(path).isFile);
  assertEquals(Deno.realPathSync(path), Deno.realPathSync(whole));
  if (Deno.realPathSync(".") === Deno.realPathSync(ROOT)) {
    assertEquals(path, "fixtures/profiles/embedded.json");
  }
});

Deno.test("every task of deno.json may ask where it was called, and enters that folder", () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT))) as {
    tasks: Readonly<Record<string, { readonly command: string }>>;
  };
  const programs = Object.entries(tasks).flatMap(([name, { command }]) => {
    const file = /^deno run .* (\S+\.ts)$/.exec(command)?.[1];
    return file === undefined ? [] : [{ name, command, file }];
  });
  assert(programs.length > 20);
  for (const { name, command, file } of programs) {
    const variables = /--allow-env=(\S+)/.exec(command)?.[1]?.split(",") ?? [];
    assert(variables.includes("INIT_CWD"), `${name} may not read INIT_CWD`);
    const source = Deno.readTextFileSync(new URL(file, ROOT));
    assert(/await main\(|^enterUserFolder\(\);$/m.test(source), `${file} does not enter the user's folder`);
  }
});

Deno.test("no source names what belongs to the project by a path from the current folder", () => {
  const faults: string[] = [];
  const look = (folder: string): void => {
    for (const { name, isDirectory } of Deno.readDirSync(new URL(folder, ROOT))) {
      if (isDirectory) look(`${folder}${name}/`);
      else if (name.endsWith(".ts")) {
        const lines = Deno.readTextFileSync(new URL(`${folder}${name}`, ROOT)).split("\n");
        for (const [index, line] of lines.entries()) {
          // As the whole of a default or an argument; examples and help name such paths in sentences.
          const found =
            /(?:default:|\(|=)\s*["'`]((?:\.\/)?(?:fixtures|docs|tests|lib|README|\.store)\b[^"'`$ ]*)["'`]/
              .exec(line);
          if (found !== null && !/projectPath\(|new URL\(/.test(line) && !/^\s*\*/.test(line)) {
            faults.push(`${folder}${name}:${index + 1} ${found[1]}`);
          }
        }
      }
    }
  };
  for (const folder of ["tasks/", "lib/", "reproductions/"]) look(folder);
  assertEquals(faults, []);
  assertStringIncludes(
    Deno.readTextFileSync(new URL("tasks/zoo.ts", ROOT)),
    'projectPath("fixtures")',
  );
});
