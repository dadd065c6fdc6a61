import { assertEquals, assertNotEquals } from "@std/assert";
import { writeAnswers } from "../../lib/experiment/_write_answers.ts";
import { testSet } from "../../lib/problems/mod.ts";
import { answersInTurn, TINY_SIZE, withZooModel } from "./_tiny_zoo.ts";

const { maxNewTokens } = TINY_SIZE;
const asking = (...seeds: number[]) => ({
  asked: { template: "embedded" as const },
  seeds,
  size: { maxNewTokens },
});

Deno.test("writeAnswers() lets the seeds take turns, problem after problem", () =>
  withZooModel(async (zoo) => {
    const [treatment] = await zoo.trained("layer-3");
    if (treatment === undefined) throw new Error("a run of the tiny zoo");
    // One problem asked again and again: nothing but the draw can tell the answers apart.
    const [problem] = testSet("linear", { size: 1 });
    const problems = Array.from({ length: 7 }, () => problem as NonNullable<typeof problem>);
    const counts: number[] = [];
    const asked = { zoo, treatment, problems, onProgress: (done: number) => void counts.push(done) };
    const seeds = [4, 5, 6], written = await writeAnswers(asking(...seeds), asked);
    assertEquals(written, await answersInTurn(zoo, { problems, seeds, maxNewTokens, treatment }));
    assertEquals([counts.at(-1), counts.every((count, at) => count >= (counts[at - 1] ?? 0))], [7, true]);
    const alone = await writeAnswers(asking(5), asked);
    const texts = (rollouts: typeof written) => rollouts.map(({ tokens }) => tokens.join());
    assertEquals([texts(written)[1], texts(written)[4]], [texts(alone)[1], texts(alone)[4]]);
    assertNotEquals(texts(written), texts(alone));
  }));

Deno.test("writeAnswers() gives each seed the same number of a problem's samples", () =>
  withZooModel(async (zoo) => {
    const [treatment] = await zoo.trained("layer-3");
    if (treatment === undefined) throw new Error("a run of the tiny zoo");
    const asked = { zoo, treatment, problems: testSet("linear", { size: 2 }), onProgress: () => {} };
    const both = await writeAnswers(asking(0, 1), { ...asked, samples: 4 });
    assertEquals(both.map(({ prompt, sample }) => [prompt, sample]), [
      [0, 0],
      [0, 1],
      [0, 2],
      [0, 3],
      [1, 0],
      [1, 1],
      [1, 2],
      [1, 3],
    ]);
    for (const turn of [0, 1]) {
      const alone = await writeAnswers(asking(turn), { ...asked, samples: 4 });
      assertEquals(both.filter((_, at) => at % 2 === turn), alone.filter((_, at) => at % 2 === turn));
    }
    // Fewer answers than seeds leave some of these out.
    const one = { ...asked, problems: asked.problems.slice(0, 1) };
    assertEquals((await writeAnswers(asking(0, 1, 2), one)).length, 1);
  }));
