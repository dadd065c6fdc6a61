import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { InputError, tensor } from "../../lib/core/mod.ts";
import {
  LanguageModel,
  MemoryBudget,
  type OpenOptions,
  type Patch,
  type SessionNews,
} from "../../lib/decode/mod.ts";
import type { SiteName } from "../../lib/model/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { allLayers, randomVectors } from "./_tiny_model.ts";

const LAYERS = 6, SEQ = 48;

/** Runs a body with ways to open one model; sessions that were made are counted by their graphs. */
function withModels(
  body: (open: (options?: OpenOptions) => Promise<LanguageModel>, made: string[]) => Promise<void>,
): Promise<void> {
  return withFolder(async (folder) => {
    const config = tinyConfig({ layers: LAYERS, maxPositions: 64 });
    await writeRandomCheckpoint(folder, { config, dtype: "float32", seed: 4 });
    const made: string[] = [], models: LanguageModel[] = [];
    const onSession = ({ graph, done }: SessionNews) => void (done || made.push(graph));
    try {
      await body(async (options) => {
        const model = await LanguageModel.open(folder, { threads: 1, onSession, ...options });
        models.push(model);
        return model;
      }, made);
    } finally {
      for (const model of models) await model.release();
    }
  });
}

const row = (length: number, from = 0) => Array.from({ length }, (_, i) => (from + 7 * i) % 61);
const ROWS = [0, 1, 2].map((r) => ({ tokens: row(SEQ + 1 - r, r), from: 5, weight: r - 0.5 }));

Deno.test("what cannot fit is refused in one line that says how much it needs, before a session is made", () =>
  withModels(async (open, made) => {
    const model = await open({ memory: 3e5 }), steer = randomVectors(model.config, [0]);
    const refused = [
      ["a run of 2 × 48 tokens", () => model.run([row(SEQ), row(SEQ)])],
      ["a row of 48 tokens", () => model.logProbs(ROWS)],
      ["a row of 48 tokens", () => model.steeringAdjoint(ROWS, { steer })],
      [
        "a rollout of 5 + 50 tokens",
        () => model.generate([{ tokens: row(5), prompt: 0, sample: 0 }], { maxNewTokens: 50 }),
      ],
    ] as const;
    for (const [what, work] of refused) {
      const error = await assertRejects(work as () => Promise<unknown>, InputError, what);
      assert(
        / needs about \d.* of memory beside weights of .*, and 0\.3 MB|300 KB/.test(error.message),
        error.message,
      );
    }
    assertEquals(made, []);
  }));

Deno.test("a budget says what is needed and what there is", () => {
  const budget = new MemoryBudget({ memory: 1e9, device: "cpu" });
  budget.check({ weightBytes: 4e8, valueBytes: 5e8 }, "a run");
  assertThrows(
    () => budget.check({ weightBytes: 4e8, valueBytes: 2e9 }, "a run"),
    InputError,
    "a run needs about 2 GB of memory beside weights of 400 MB, and 1 GB are set aside",
  );
});

Deno.test("a budget below which blocks are computed again gives the same adjoints, and less of it a refusal", () =>
  withModels(async (open) => {
    const free = await open();
    const steer = randomVectors(free.config, allLayers(free.config));
    const expected = await free.steeringAdjoint(ROWS, { steer, maxTokens: 1 });
    let smallest = Infinity, refusals = 0;
    for (let memory = 4e6; memory > 2e5; memory *= 0.9) {
      const model = await open({ memory });
      try {
        // One row at a time, as little memory asks for: that rows are alone or not is another test's.
        assertEquals(await model.steeringAdjoint(ROWS, { steer, maxTokens: 1 }), expected);
        smallest = memory;
      } catch (error) {
        assert(error instanceof InputError, String(error));
        refusals++;
      }
      await model.release();
    }
    assert(refusals > 3 && smallest < 1.6e6, `${smallest}`); // the plain pass alone needs 2.5 MB of values
  }));

Deno.test("one session patches every layer of a kind, another taps it, and steers whatever layer", () =>
  withModels(async (open, made) => {
    const model = await open(), { layers } = model.config;
    const sites = allLayers(model.config).map((layer): SiteName => `blocks.${layer}.resid_post`);
    const { taps } = await model.run([row(9)], { taps: sites, logits: false });
    const base = await model.run([row(9, 3)]);
    const changed = new Set<string>();
    for (const site of sites) {
      const value = taps.get(site) as Patch["value"],
        mask = tensor("bool", [1, 9], [0, 0, 0, 0, 1, 0, 0, 0, 0]);
      const { logits } = await model.run([row(9, 3)], { patches: new Map([[site, { value, mask }]]) });
      assertEquals(logits?.data.subarray(0, 4 * 61), base.logits?.data.subarray(0, 4 * 61));
      changed.add(String(logits?.data.slice(-61)));
    }
    assertEquals(changed.size, layers); // each of the patches does something of its own
    for (const layer of allLayers(model.config)) {
      const { logits } = await model.run([row(9)], { steer: randomVectors(model.config, [layer]) });
      changed.add(String(logits?.data.slice(-61)));
    }
    assertEquals(changed.size, 2 * layers);
    assertEquals(made.length, 3); // taps, plain and steered runs, patches
  }));

Deno.test("a patch with lengths of 1 is broadcast, whatever the rows' lengths", () =>
  withModels(async (open) => {
    const model = await open(), { embed } = model.config, site = "blocks.2.resid_mid";
    const zeros = (dims: readonly number[]) => ({
      value: tensor("float32", dims, new Float32Array(dims.reduce((a, b) => a * b))),
    });
    const of = async (dims: readonly number[]) =>
      (await model.run([row(9), row(9, 5)], { patches: new Map([[site, zeros(dims)]]) })).logits?.data;
    const whole = await of([2, 9, embed]);
    for (const dims of [[1, 1, 1], [2, 1, embed], [1, 9, 1]]) assertEquals(await of(dims), whole);
    await assertRejects(() => of([3, 9, embed]), RangeError, `patch "${site}"`);
  }));

Deno.test("sessions are closed when others need their memory, and the results stay", () =>
  withModels(async (open, made) => {
    const free = await open(), tight = await open({ memory: 1.2e6 });
    const rows = [{ tokens: row(6), from: 2 }], request = { tokens: row(4), prompt: 0, sample: 0 };
    const all = async (model: LanguageModel) => [
      await model.run([row(6)]),
      await model.logProbs(rows),
      await model.generate([request], { maxNewTokens: 6 }),
      await model.run([row(6)], { taps: ["blocks.1.q"] }),
      await model.run([row(6)]),
    ];
    const expected = await all(free);
    assertEquals(made.length, 4);
    made.length = 0;
    assertEquals(await all(tight), expected);
    assertEquals(made.length, 5); // the first one had to go
  }));

Deno.test("values that are not finite are refused at the border, by name", () =>
  withModels(async (open, made) => {
    const model = await open(), { embed, neurons } = model.config;
    const holed = (length: number, value: number) => new Float32Array(length).fill(value, 3, 4);
    const steer = new Map([[1, holed(embed, NaN)]]), rows = [{ tokens: row(4), from: 1, weight: 1 }];
    const adapters = new Map([[0, { input: holed(neurons, -Infinity), output: new Float32Array(embed) }]]);
    const request = { tokens: row(4), prompt: 0, sample: 0 };
    const sites = (value: number) =>
      new Map([["blocks.1.q" as SiteName, { value: tensor("float32", [1, 1, 1, 1], [value]) }]]);
    const factors = tensor("float32", [1, 4], [1, 1, NaN, 1]);
    const refused: readonly (readonly [string, () => Promise<unknown>])[] = [
      [
        "Cannot steer layer 1 as its values must be finite: current value at 3 is NaN",
        () => model.run([row(4)], { steer }),
      ],
      ["Cannot steer layer 1", () => model.logProbs(rows, { steer })],
      ["Cannot steer layer 1", () => model.steeringAdjoint(rows, { steer })],
      ["Cannot steer layer 1", () => model.generate([request], { maxNewTokens: 2, steer })],
      [
        "Cannot adapt layer 0 as its input must be finite: current value at 3 is -Infinity",
        () => model.run([row(4)], { adapters }),
      ],
      ["Cannot adapt layer 0", () => model.generate([request], { maxNewTokens: 2, adapters })],
      [
        'Cannot patch "blocks.1.q" as values must be finite',
        () => model.run([row(4)], { patches: sites(Infinity) }),
      ],
      [
        "Cannot steer by factors as values must be finite: current value at 2 is NaN",
        () => model.run([row(4)], { steer: randomVectors(model.config, [1]), steerFactors: factors }),
      ],
      [
        "Cannot score row 0 as its weight must be finite: current value is NaN",
        () =>
          model.steeringAdjoint([{ ...rows[0] as typeof rows[0], weight: NaN }], {
            steer: randomVectors(model.config, [1]),
          }),
      ],
    ];
    for (const [message, work] of refused) await assertRejects(work, RangeError, message);
    assertEquals(made, []);
  }));

Deno.test("a model is opened with options that exist, or not at all", async () => {
  const open = (options: Record<string, unknown>) => LanguageModel.open("nowhere", options as OpenOptions);
  await assertRejects(
    () => open({ device: "gpu" }),
    RangeError,
    'device must be cpu or cuda: current value is "gpu"',
  );
  await assertRejects(
    () => open({ dtype: "float64" }),
    RangeError,
    'dtype must be float32, float16, bfloat16: current value is "float64"',
  );
  await assertRejects(
    () => open({ threads: 0 }),
    RangeError,
    "threads must be a whole number ≥ 1: current value is 0",
  );
  await assertRejects(
    () => open({ memory: -1 }),
    RangeError,
    "memory must be a number of bytes > 0: current value is -1",
  );
});
