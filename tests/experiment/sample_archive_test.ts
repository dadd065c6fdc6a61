import { assertEquals } from "@std/assert";
import { SampleArchive } from "../../lib/experiment/mod.ts";
import { testSet } from "../../lib/problems/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";

Deno.test("SampleArchive writes what was said by condition and seed, however it came, and leaves nothing behind", () =>
  withFolder(async (folder) => {
    const archive = await SampleArchive.open(folder);
    const problems = testSet("linear", { size: 1 }).map((problem) => ({ ...problem, suite: "linear" }));
    const said = { problem: 0, number: 0, sample: 0, prompt: "?", tokens: [1], finished: true };
    let made = 0;
    const asked = (condition: string) =>
      archive.outcomes(condition, {
        condition,
        problems,
        async evaluate({ onCompletion }) {
          made++;
          for (const seed of [1, 0]) {
            const text = `${condition} ${seed}`;
            await onCompletion?.({ ...said, seed, text, judgement: { correct: false } });
          }
          return [[[0]], [[0]]];
        },
      });
    for (const condition of ["b", "a", "b"]) assertEquals(await asked(condition), [[[0]], [[0]]]);
    assertEquals(made, 2);
    await archive.writeFile(`${folder}/samples.jsonl`, ["b", "a", "unknown"]);
    await archive.close();
    const lines = (await Deno.readTextFile(`${folder}/samples.jsonl`)).trimEnd().split("\n");
    assertEquals(lines.map((line) => JSON.parse(line).text), ["a 0", "a 1", "b 0", "b 1"]);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["samples.jsonl"]);
  }));
