import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { Laboratory, propagation, ResultStore } from "../../lib/experiment/mod.ts";
import { answersInTurn, EMBEDDED, FREE_AXES, TINY_SIZE, withZooModel, writeVectors } from "./_tiny_zoo.ts";

const PUSH = 8, WIDTH = 20;
/** Additions to a float32 residual of length 1 round at 6e-8. */
const ROUNDING = 1e-6;

const laboratory = (store = new ResultStore(null)) =>
  new Laboratory({ asked: EMBEDDED, size: TINY_SIZE, seed: 0, store });

Deno.test("propagation() finds in blocks of zeros what was added, in every later layer", () =>
  withZooModel(async (a) => {
    const [sources, ...more] = await propagation(laboratory(), a);
    assertEquals(more, []); // layer 3 has two training seeds, the others one
    const push = sources?.[1];
    assertEquals(push?.cells.map(({ layer }) => layer), [1, 2, 3]);
    for (const cell of push?.cells ?? []) {
      assertAlmostEquals(cell.toMean.byText?.value ?? NaN, 1, ROUNDING);
      if (cell.layer === 2) assertEquals(cell.toTarget.byText, null); // the vector of layer 2 is zero
      else assertAlmostEquals(cell.toTarget.byText?.value ?? NaN, 1, ROUNDING);
    }
    // Strength 0.05 at every answer position, along one axis.
    const { sums = [], rows = [], texts } = push?.finalDifferences ?? {};
    assertEquals(texts, [0, 1, 2, 3]);
    sums.forEach((sum, text) => {
      sum.forEach((value, axis) =>
        assertAlmostEquals(value, axis === PUSH ? 0.05 * (rows[text] as number) : 0, 1e-5)
      );
    });
    assertAlmostEquals(push?.published.finalDifference[PUSH] ?? NaN, 0.05, ROUNDING);
    // Behind the norm a residual of length 1 becomes √20 long, and the steered one too.
    const behind = Math.sqrt(WIDTH) * 0.05 / Math.sqrt(1 + 0.05 ** 2);
    push?.logitDifferences.sums.forEach((sum, text) =>
      assertAlmostEquals(sum[PUSH] ?? NaN, behind * (rows[text] as number), 1e-4)
    );
  }));

Deno.test("propagation() reads answer positions, and the published ones: the prompt too, two fewer at the end", () =>
  withZooModel(async (a) => {
    const lab = laboratory(), problems = lab.problems(TINY_SIZE.read);
    const [steered] = await a.trained("layer-1");
    const { maxNewTokens } = TINY_SIZE;
    const rollouts = await answersInTurn(a, { problems, seeds: lab.seeds, maxNewTokens, treatment: steered });
    const [sources] = await propagation(lab, a);
    assertEquals(sources?.[1]?.finalDifferences.rows, rollouts.map(({ tokens }) => tokens.length));
    assertEquals(
      sources?.[1]?.published.cells[0]?.rows,
      rollouts.reduce((sum, { promptTokens, tokens }) => sum + promptTokens.length + tokens.length - 2, 0),
    );
    assertEquals(sources?.[1]?.truncated, rollouts.filter(({ finished }) => !finished).length);
  }));

Deno.test("propagation() has nothing of a later vector on another axis, and no cosine of a zero vector", () =>
  withZooModel(async (a, { entry }) => {
    await writeVectors(`${entry.vectorsFolder}/layer-2.seed-0.safetensors`, { 2: 0.3 }, {
      axis: FREE_AXES[0],
    });
    const [sources] = await propagation(laboratory(), a);
    const [own, last] = sources?.[2]?.cells ?? [];
    assertAlmostEquals(own?.toTarget.byToken?.value ?? NaN, 1, ROUNDING);
    assertAlmostEquals(last?.toTarget.byToken?.value ?? NaN, 0, ROUNDING);
    assertEquals(sources?.[0]?.cells.map(({ toMean }) => toMean.byText), [null, null, null, null]);
    assertEquals(sources?.[0]?.cells[0]?.zeroRows, sources?.[0]?.cells[0]?.rows);
  }));

Deno.test("propagation() gives the same from the store, and measures again when a target changes", () =>
  withZooModel(async (a, { entry, folder }) => {
    const store = () => new ResultStore(`${folder}/store`);
    const first = await propagation(laboratory(store()), a), again = store();
    assertEquals(await propagation(laboratory(again), a), first);
    assertEquals(again.counts, { read: 4, made: 0, earlier: 4 });
    await writeVectors(`${entry.vectorsFolder}/layer-3.seed-0.safetensors`, { 3: 0.1 }, {
      axis: FREE_AXES[1],
    });
    const changed = store(), [sources] = await propagation(laboratory(changed), a);
    assertEquals(changed.counts, { read: 0, made: 4, earlier: 0 });
    assertAlmostEquals(sources?.[1]?.cells[2]?.toTarget.byText?.value ?? NaN, 0, ROUNDING);
  }));

Deno.test("propagation() misses a run before it measures anything", () =>
  withZooModel(async (a, { entry }) => {
    await Deno.remove(`${entry.vectorsFolder}/layer-2.seed-0.safetensors`);
    a.model.generate = () => Promise.reject(new Error("measured too early"));
    await assertRejects(() => propagation(laboratory(), a), InputError, 'no run "layer-2"');
  }));
