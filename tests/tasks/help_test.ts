import { assertEquals, assertStringIncludes } from "@std/assert";
import { runCommand } from "../../tasks/command/command.ts";
import type { CommandText } from "../../tasks/command/help_text.ts";
import { type Flags, parseFlags } from "../../tasks/command/parse_flags.ts";
import { cluster } from "../../tasks/cluster.ts";
import { answer } from "../../tasks/answer.ts";
import { diffSae } from "../../tasks/diff_sae.ts";
import { evaluate } from "../../tasks/evaluate.ts";
import { importGguf } from "../../tasks/import_gguf.ts";
import { parity } from "../../tasks/parity.ts";
import { plan } from "../../tasks/plan.ts";
import { pretrain } from "../../tasks/pretrain.ts";
import { realModel } from "../../tasks/real_model.ts";
import { site } from "../../tasks/site.ts";
import { synthetic } from "../../tasks/synthetic.ts";
import { tokenizer } from "../../tasks/tokenizer.ts";
import { train } from "../../tasks/train.ts";
import { vectors } from "../../tasks/vectors.ts";
import { work } from "../../tasks/work.ts";
import { zoo } from "../../tasks/zoo.ts";
import { fakeTerminal } from "./_fake_terminal.ts";

const COMMANDS: readonly CommandText[] = [
  tokenizer,
  pretrain,
  train,
  diffSae,
  vectors,
  evaluate,
  answer,
  site,
  parity,
  synthetic,
  zoo,
  plan,
  cluster,
  work,
  importGguf,
  realModel,
];

/** The arguments of an example, quotes taken off as a shell does. */
function argsOf(example: string): string[] {
  return (example.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^"(.*)"$/, "$1"));
}

Deno.test("every command explains itself and has a task in deno.json", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../../deno.json", import.meta.url)));
  for (const command of COMMANDS) {
    const terminal = fakeTerminal(["--help"]);
    assertEquals(await runCommand<Flags>({ ...command, run: () => 1 }, terminal), 0);
    const { positionals } = command, many = positionals?.most === 1 ? "" : "…";
    const word = `${positionals?.metavar}${many}`;
    const words = positionals === undefined
      ? ""
      : positionals.least === undefined
      ? `[${word}] `
      : `${word} `;
    assertStringIncludes(terminal.written.output, `Usage: deno task ${command.name} ${words}[flags]`);
    assertStringIncludes(tasks[command.name].command, ` tasks/${command.name.replaceAll("-", "_")}.ts`);
  }
});

Deno.test("the examples in the help of every command are accepted by it", () => {
  for (const command of COMMANDS) {
    for (const [example] of command.examples) {
      const [deno, task, name, ...args] = argsOf(example);
      assertEquals([deno, task, name], ["deno", "task", command.name]);
      const { positionals } = parseFlags(args, command.flags);
      const { least = 0 } = command.positionals ?? {};
      const fits = positionals.length >= least &&
        (positionals.length === 0 || command.positionals !== undefined);
      assertEquals(fits, true, example);
    }
  }
});
