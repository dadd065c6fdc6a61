import { assertEquals, assertThrows } from "@std/assert";
import { RandomStream, type Tensor, tensor } from "../../lib/core/mod.ts";
import { ROLLOUT_NAMES, rolloutGraph } from "../../lib/decode/mod.ts";
import { numbersOf, withSession } from "../onnx/_run_graph.ts";
import { withTinyModel } from "./_tiny_model.ts";

const STOPS = [0, 7, 13, 22, 41, 60];
const BATCH = 8, STEPS = 12;

Deno.test("the loop ends once no more rows than enough_alive are unfinished, however its steps fall into chunks", () =>
  withTinyModel(async ({ config, checkpoint }) => {
    const random = new RandomStream(2, "loop");
    const uniforms = Float32Array.from({ length: BATCH * STEPS }, () => random.uniform());
    const lengths = new Set<number>(), texts = new Set<string>();
    for (const chunk of [1, 3, 4, 32]) {
      const graph = rolloutGraph({ config, checkpoint, stopTokens: STOPS, chunk });
      await withSession(graph, async (session) => {
        const run = async (enoughAlive: number, steps = STEPS): Promise<Tensor> => {
          const out = await session.run({
            [ROLLOUT_NAMES.prompts]: tensor(
              "int64",
              [BATCH, 2],
              Array.from({ length: 2 * BATCH }, (_, i) => i + 1),
            ),
            [ROLLOUT_NAMES.lengths]: tensor("int32", [BATCH], new Array(BATCH).fill(2)),
            [ROLLOUT_NAMES.owners]: tensor("int64", [BATCH], Array.from({ length: BATCH }, (_, row) => row)),
            [ROLLOUT_NAMES.uniforms]: tensor("float32", [BATCH, STEPS], uniforms),
            [ROLLOUT_NAMES.steps]: tensor("int64", [], [steps]),
            [ROLLOUT_NAMES.temperature]: tensor("float32", [], [1]),
            [ROLLOUT_NAMES.greedy]: tensor("bool", [], [0]),
            [ROLLOUT_NAMES.enoughAlive]: tensor("int64", [], [enoughAlive]),
          });
          return out[ROLLOUT_NAMES.tokens] as Tensor;
        };
        const whole = numbersOf(await run(-1)); // [steps, batch]
        assertEquals(whole.length, STEPS * BATCH);
        for (let row = 0; row < BATCH; row++) {
          const ids = whole.filter((_, index) => index % BATCH === row);
          const stop = ids.findIndex((id) => STOPS.includes(id)), end = stop < 0 ? STEPS : stop + 1;
          // A row gives its tokens up to and with its stop token, then −1 to the end.
          assertEquals(ids.map((id) => id < 0), ids.map((_, t) => t >= end));
        }
        const aliveAfter = (count: number) =>
          Array.from({ length: BATCH }, (_, row) => row).filter((row) =>
            Array.from({ length: count }, (_, t) => whole[t * BATCH + row] as number).every((id) =>
              id >= 0 && !STOPS.includes(id)
            )
          ).length;
        texts.add(whole.join());
        for (const steps of [1, 2, 5]) {
          assertEquals(numbersOf(await run(-1, steps)), whole.slice(0, steps * BATCH));
        }
        for (let enough = 0; enough <= BATCH; enough++) {
          let expected = 1;
          while (expected < STEPS && aliveAfter(expected) > enough) expected++;
          const tokens = await run(enough);
          assertEquals(tokens.dims, [expected, BATCH]);
          assertEquals(numbersOf(tokens), whole.slice(0, expected * BATCH));
          lengths.add(expected);
        }
      }, { weightsFolder: checkpoint.weightsFolder });
    }
    assertEquals([lengths.size > 3, texts.size], [true, 1]);
  }));

Deno.test("rolloutGraph() refuses a model without a stop token and edits that the model cannot have", () =>
  withTinyModel(({ config, checkpoint }) => {
    assertThrows(
      () => rolloutGraph({ config, checkpoint, stopTokens: [] }),
      RangeError,
      "Cannot build a rollout graph as it must have a stop token",
    );
    assertThrows(
      () => rolloutGraph({ config, checkpoint, stopTokens: [0], edits: { steer: [2] } }),
      RangeError,
      "Cannot steer layer 2 as it must lie in [0, 2)",
    );
    return Promise.resolve();
  }));
