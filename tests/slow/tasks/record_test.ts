import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readExpectations } from "../../../lib/report/mod.ts";
import { record as shippedRecord, recordCommand } from "../../../tasks/record.ts";
import type { Flags } from "../../../tasks/command/parse_flags.ts";
import { reproduce as shippedReproduce, reproduceCommand } from "../../../tasks/reproduce.ts";
import { type TinyZoo, withTinyZoo, writeVectors } from "../../experiment/_tiny_zoo.ts";
import { faultLine, namesBelow, runOn } from "../../tasks/_tiny_zoo.ts";

const settingOf = (tiny: TinyZoo) => ({
  fixtures: tiny.fixtures,
  store: `${tiny.folder}/store`,
});
const record = (tiny: TinyZoo, args: readonly string[], options: { readonly interruptAt?: string } = {}) =>
  runOn(recordCommand(settingOf(tiny)), [...args, "--threads", "1"], options);
const expectedFiles = (tiny: TinyZoo) =>
  namesBelow(`${tiny.fixtures}/embedded/`).filter((name) => /^expected.*json$/.test(name));

Deno.test("record writes expected values that reproduce finds and holds to", () =>
  withTinyZoo(async (tiny) => {
    const { code, output, error } = await record(tiny, ["fig1", "last-layer", "--seeds", "0,10,20"]);
    assertEquals(code, 0, error);
    assertEquals(expectedFiles(tiny), ["expected/full/fig1.json", "expected/full/fig3.json"]);
    assertMatch(output, /^metric +seed 0 +tolerance +other seeds +tolerance$/m);
    assertMatch(output, /^accuracy\.base\.greedy +0 +0 +0 +0$/m);
    assertMatch(output, /^claim\.no_layer_reaches_all_layer +not applicable +0 +\S+ +\S+$/m);
    const path = `${tiny.fixtures}/embedded/expected/full/fig1.json`;
    const file = await readExpectations(path, { id: "fig1" });
    // Seven accuracies, and of three claims the verdict and the effect.
    assertEquals([file.seed, file.checks.length], [0, 7 + 6]);
    assertMatch(
      file.madeBy,
      /^deno task record fig1 --size full --seeds 0,10,20 \(.*vectors\.base-a\.all\.seed-0 [0-9a-f]{12}/,
    );
    const reproduce = (...more: string[]) => {
      const args = ["fig1", "fig3", "--threads", "1", "--out", `${tiny.folder}/out`, ...more];
      return runOn(reproduceCommand(settingOf(tiny)), args);
    };
    const green = await reproduce();
    assertEquals(green.code, 0, green.output);
    // The run from seed 0 is one of those that were recorded.
    assertEquals(green.error, "");
    const verdicts: readonly string[] = green.output.match(/ (pass|fail|not-checked)$/gm) ?? [];
    assertEquals([verdicts.length, new Set(verdicts)], [7 + 6 + 24 + 6, new Set([" pass"])]);
    // At the end stands how much each check would notice.
    assertMatch(
      green.output,
      /^noticed +checks +1 % +5 % +20 % +accept 0\nfig1 +\d+ .*\nfig3 +\d+ .*\nall +\d+ /m,
    );
    // A run from another first seed that was recorded lies within what is expected of others.
    const other = await reproduce("--seed", "10");
    assertEquals([other.code, / fail$/m.test(other.output)], [0, false], other.output);
    // A last layer that learnt nothing falls out of its tolerances.
    for (const seed of [0, 1]) {
      await writeVectors(`${tiny.entry.vectorsFolder}/layer-3.seed-${seed}.safetensors`, { 3: 0 });
    }
    const red = await reproduce();
    assertEquals(red.code, 1);
    assertMatch(red.output, /^shift\.opener\.position_0 .* fail$/m);
  }));

Deno.test("record gives the same file again, and leaves the old one when it is interrupted", () =>
  withTinyZoo(async (tiny) => {
    const args = ["fig3", "--seeds", "0,2"], path = `${tiny.fixtures}/embedded/expected/full/fig3.json`;
    assertEquals((await record(tiny, args)).code, 0);
    const first = await Deno.readTextFile(path);
    assertEquals((await record(tiny, [...args, "--no-cache"])).code, 0);
    assertEquals(await Deno.readTextFile(path), first);
    const interruptAt = "seed 6: base-a base sampling";
    const stopped = await record(tiny, ["fig3", "--seeds", "4,6"], { interruptAt });
    assertEquals(stopped.code, 130);
    assertMatch(stopped.error, /interrupted: give the same command again/);
    assertEquals(await Deno.readTextFile(path), first);
    assertEquals(expectedFiles(tiny), ["expected/full/fig3.json"]);
  }));

Deno.test("record writes the values of a size beside the other's, and reproduce checks them at that size", () =>
  withTinyZoo(async (tiny) => {
    const args = ["fig1", "--size", "quick", "--seeds", "0,2"];
    assertEquals((await record(tiny, args)).code, 0);
    assertEquals(expectedFiles(tiny), ["expected/quick/fig1.json"]);
    const reproduce = (...more: string[]) =>
      runOn(reproduceCommand(settingOf(tiny)), [
        "fig1",
        "--threads",
        "1",
        "--out",
        `${tiny.folder}/out`,
        ...more,
      ]);
    const quick = await reproduce("--size", "quick"), full = await reproduce();
    assertEquals([quick.code, full.code], [0, 0], quick.error);
    assertMatch(quick.output, /accuracy\.base\.greedy.*pass/);
    assert(!/accuracy\.base\.greedy.*pass/.test(full.output));
  }));

Deno.test("record refuses one seed, runs that share seeds, and unknown items", () =>
  withTinyZoo(async (tiny) => {
    const refused = async (...args: string[]) => faultLine(await record(tiny, args));
    assertMatch(await refused("fig1", "--seeds", "3"), /one run says nothing of the spread: --seeds/);
    assertEquals(
      await refused("fig1", "--seeds", "5,0,4"),
      "error: runs from the seeds 4 and 5 share evaluation seeds: --seeds " +
        "(a run takes 2 seeds in a row: leave 2 between them)",
    );
    assertMatch(await refused("fig1", "--seeds", "0,0"), /given twice/);
    assertMatch(await refused("fig99"), /unknown table or figure "fig99"/);
    assert(!namesBelow(`${tiny.fixtures}/embedded/`).includes("expected/"));
  }));

Deno.test("reproduce and record explain themselves, have a task, and take the examples of their help", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("../../../deno.json", import.meta.url)));
  for (const command of [shippedReproduce, shippedRecord]) {
    const { code, output } = await runOn<Flags>({ ...command, run: () => 1 }, ["--help"]);
    assertEquals(code, 0);
    assertStringIncludes(output, `Usage: deno task ${command.name} ID… [flags]\n`);
    assertStringIncludes(tasks[command.name].command, ` tasks/${command.name}.ts`);
    assert(!/ (-A|--allow-all|--allow-net)\b| --allow-env(?!=)/.test(tasks[command.name].command));
    for (const [example] of command.examples) {
      const [deno, task, name, ...args] = example.split(" ");
      assertEquals([deno, task, name], ["deno", "task", command.name]);
      // A command that ends at once shows that its arguments were taken.
      assertEquals((await runOn<Flags>({ ...command, run: () => 0 }, args)).error, "", example);
    }
  }
});
