import { assertEquals, assertRejects } from "@std/assert";
import { evaluate } from "../../../lib/analysis/mod.ts";
import { InputError } from "../../../lib/core/mod.ts";
import { LanguageModel } from "../../../lib/decode/mod.ts";
import { loadVectors } from "../../../lib/vectors/mod.ts";
import {
  EvaluationPool,
  Laboratory,
  ResultStore,
  STUDY_SIZES,
  ZooModel,
} from "../../../lib/experiment/mod.ts";
import { testSet } from "../../../lib/problems/mod.ts";
import { EMBEDDED } from "../../experiment/_tiny_zoo.ts";

const BASE_A = "fixtures/embedded/base-a";
const OPTIONS = { problems: testSet("linear", { size: 6 }), maxNewTokens: 48 };

Deno.test("EvaluationPool gives what evaluate() gives, steered or not, in the order of the asking", async () => {
  const model = await LanguageModel.open(BASE_A, { threads: 1 });
  const { vectors } = await loadVectors(
    "fixtures/embedded/vectors/base-a/layer-4.seed-0.safetensors",
    model.config,
  );
  const settings = [{ seeds: [3] }, { seeds: [4], steer: vectors }, { temperature: 0, answerPrefix: "To" }];
  const pool = new EvaluationPool({ workers: 2 });
  let told = 0;
  const pooled = await Promise.all(
    settings.map((setting) =>
      pool.evaluate({
        modelFolder: BASE_A,
        device: "cpu",
        dtype: "float32",
        options: { ...OPTIONS, ...setting },
      }, { onProgress: () => told++ })
    ),
  );
  pool.close();
  for (const [index, setting] of settings.entries()) {
    assertEquals(pooled[index], (await evaluate(model, { ...OPTIONS, ...setting })).outcomes);
  }
  assertEquals(told >= settings.length, true);
  await model.release();
});

Deno.test("EvaluationPool hands on an input fault in one line, and goes on with other tasks", async () => {
  const pool = new EvaluationPool({ workers: 1 });
  const fault = await assertRejects(
    () => pool.evaluate({ modelFolder: "no/such/model", device: "cpu", dtype: "float32", options: OPTIONS }),
    InputError,
  );
  assertEquals(fault.message.includes("no/such/model"), true, fault.message);
  const outcomes = await pool.evaluate({
    modelFolder: BASE_A,
    device: "cpu",
    dtype: "float32",
    options: OPTIONS,
  });
  assertEquals(outcomes[0]?.length, OPTIONS.problems.length);
  pool.close();
});

Deno.test("EvaluationPool computes in the type that is asked for, where it can", async () => {
  const pool = new EvaluationPool({ workers: 1 });
  const fault = await assertRejects(
    () => pool.evaluate({ modelFolder: BASE_A, device: "cpu", dtype: "bfloat16", options: OPTIONS }),
    InputError,
  );
  assertEquals(fault.message.includes("bfloat16"), true, fault.message);
  pool.close();
});

Deno.test("EvaluationPool stops everything when a listener throws", async () => {
  const pool = new EvaluationPool({ workers: 1 });
  const stop = () => {
    throw new DOMException("stopped", "AbortError");
  };
  const task = { modelFolder: BASE_A, device: "cpu", dtype: "float32", options: OPTIONS } as const;
  const results = await Promise.allSettled([
    pool.evaluate(task, { onProgress: stop }),
    pool.evaluate(task),
    pool.evaluate(task),
  ]);
  assertEquals(results[0]?.status, "rejected");
  assertEquals(results[2]?.status, "rejected");
});

Deno.test("EvaluationPool says that a task begins when a worker takes it, not when it is asked for", async () => {
  const pool = new EvaluationPool({ workers: 1 });
  const task = { modelFolder: BASE_A, device: "cpu", dtype: "float32", options: OPTIONS } as const;
  const heard: string[] = [];
  const listener = (name: string) => (done: number) =>
    void heard.push(`${name} ${done === 0 ? "begins" : "goes on"}`);
  await Promise.all([
    pool.evaluate(task, { onProgress: listener("first") }),
    pool.evaluate(task, { onProgress: listener("second") }),
  ]);
  pool.close();
  assertEquals([...new Set(heard)], ["first begins", "first goes on", "second begins", "second goes on"]);
});

Deno.test("Laboratory measures the same with a pool as without", async () => {
  const zoo = await ZooModel.open({
    name: "base-a",
    modelFolder: BASE_A,
    vectorsFolder: "fixtures/embedded/vectors/base-a",
    opener: "To",
  }, { threads: 1 });
  const size = { ...STUDY_SIZES.quick, problems: 2 };
  const plain = new Laboratory({ asked: EMBEDDED, size, seed: 0, store: new ResultStore(null) });
  const pool = new EvaluationPool({ workers: 2 });
  const pooled = new Laboratory({ asked: EMBEDDED, size, seed: 0, store: new ResultStore(null), pool });
  const condition = { zoo, run: "layer-6", decoding: "sampling" } as const;
  assertEquals(await pooled.outcomes(condition), await plain.outcomes(condition));
  const asked = [{ zoo, run: null, decoding: "greedy" }, condition, {
    zoo,
    run: null,
    prefix: "To",
    decoding: "sampling",
  }] as const;
  const together = await pooled.outcomesOf(asked);
  assertEquals(together, await plain.outcomesOf(asked));
  assertEquals(together[1], await plain.outcomes(condition)); // in the order they were asked for
  assertEquals(new Set(together.map((outcomes) => JSON.stringify(outcomes))).size, asked.length);
  pool.close();
  await zoo.release();
});
