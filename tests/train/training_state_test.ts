import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { writeSafetensors } from "../../lib/checkpoint/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import {
  AdamW,
  dropTrainingState,
  loadTrainingState,
  saveTrainingState,
  type TrainingState,
  writeTrainingLog,
} from "../../lib/train/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";

const LOG = ['{"step":0,"note":"a \\"quoted\\" line"}', '{"step":1}', '{"step":2}'];

/** A state after three steps, of parameters whose names hold dots and slashes. */
function madeState(scale = 1): TrainingState {
  const parameters = new Map([
    ["model.layers.0.mlp.down_proj.weight", Float32Array.of(1, -2, 3.5)],
    ["a/b", Float32Array.of(1e-30 * scale, 4)],
  ]);
  const optimizer = new AdamW(parameters);
  for (let step = 1; step <= 3; step++) {
    optimizer.step(
      new Map([...parameters].map(([name, values]) => [name, values.map((value) => value * step * scale)])),
      { learningRate: 0.1 },
    );
  }
  return { runHash: "run-1", parameters, optimizer: optimizer.state, log: LOG };
}

Deno.test("saveTrainingState() and loadTrainingState() bring everything back to the bit", () =>
  withFolder(async (folder) => {
    const state = madeState();
    await saveTrainingState(folder, state);
    const loaded = await loadTrainingState(folder, "run-1");
    assertEquals(loaded?.optimizer.step, 3);
    assertEquals(loaded?.log, LOG);
    for (const name of state.parameters.keys()) {
      assertEquals(loaded?.parameters.get(name), state.parameters.get(name));
      assertEquals(loaded?.optimizer.first.get(name), state.optimizer.first.get(name));
      assertEquals(loaded?.optimizer.second.get(name), state.optimizer.second.get(name));
    }
    assertEquals(loaded?.parameters.size, 2);
    assertEquals(await Deno.readTextFile(`${folder}/log.jsonl`), LOG.map((line) => `${line}\n`).join(""));
  }));

Deno.test("loadTrainingState() of a folder without a state, or of no folder, is null", () =>
  withFolder(async (folder) => {
    assertEquals(await loadTrainingState(folder, "run-1"), null);
    assertEquals(await loadTrainingState(`${folder}/none`, "run-1"), null);
  }));

Deno.test("a state before the first step has no log lines", () =>
  withFolder(async (folder) => {
    const parameters = new Map([["w", Float32Array.of(1)]]);
    await saveTrainingState(folder, {
      runHash: "r",
      parameters,
      optimizer: new AdamW(parameters).state,
      log: [],
    });
    const loaded = await loadTrainingState(folder, "r");
    assertEquals([loaded?.log, loaded?.optimizer.step], [[], 0]);
    assertEquals(await Deno.readTextFile(`${folder}/log.jsonl`), "");
  }));

Deno.test("loadTrainingState() refuses the state of another run in one line that names the file", () =>
  withFolder(async (folder) => {
    await saveTrainingState(folder, madeState());
    const error = await assertRejects(
      () => loadTrainingState(folder, "run-2"),
      InputError,
      "has other settings",
    );
    assertStringIncludes(error.message, `${folder}/state.safetensors`);
    assertStringIncludes(error.message, "give another --out");
    assert(!error.message.includes("\n"));
  }));

Deno.test("loadTrainingState() refuses a state cut short, without its step count, or with strange tensors", () =>
  withFolder(async (folder) => {
    const path = `${folder}/state.safetensors`;
    await saveTrainingState(folder, madeState());
    const bytes = await Deno.readFile(path);
    await Deno.writeFile(path, bytes.subarray(0, bytes.length - 4));
    await assertRejects(() => loadTrainingState(folder, "run-1"), InputError, path);
    const w = { dtype: "float32", dims: [1], data: Float32Array.of(1) } as const;
    const write = (name: string, metadata: Readonly<Record<string, string>>) =>
      writeSafetensors(path, { tensors: { [name]: w }, metadata });
    await write("value/w", { run: "run-1" });
    await assertRejects(() => loadTrainingState(folder, "run-1"), InputError, "how many steps are done");
    for (const name of ["third/w", "toString/w", "value"]) {
      await write(name, { run: "run-1", step: "1", log: "" });
      await assertRejects(() => loadTrainingState(folder, "run-1"), InputError, `it holds "${name}"`);
    }
  }));

Deno.test("saveTrainingState() that fails leaves the state before it, and nothing half-written", () =>
  withFolder(async (folder) => {
    const state = madeState();
    await saveTrainingState(folder, state);
    // A moment whose tensor cannot be written: the fault comes before the old file is touched.
    const broken = Object.create(Float32Array.prototype, { length: { value: 3 } }) as Float32Array;
    const parameters = new Map([...state.parameters, ["zz", broken]]);
    await assertRejects(() => saveTrainingState(folder, { ...state, parameters, log: ["{}"] }));
    assertEquals((await loadTrainingState(folder, "run-1"))?.log, LOG);
    const names = (await Array.fromAsync(Deno.readDir(folder))).map((entry) => entry.name).sort();
    assertEquals(names, ["log.jsonl", "state.safetensors"]);
  }));

Deno.test("saveTrainingState() puts a new file in the old one's place, so an open one stays whole", () =>
  withFolder(async (folder) => {
    const path = `${folder}/state.safetensors`;
    await saveTrainingState(folder, madeState());
    const before = await Deno.readFile(path);
    using open = await Deno.open(path);
    await saveTrainingState(folder, madeState(7));
    assertEquals(await new Response(open.readable).bytes(), before);
    const loaded = await loadTrainingState(folder, "run-1");
    assertEquals(loaded?.parameters.get("a/b"), madeState(7).parameters.get("a/b"));
  }));

Deno.test("saveTrainingState() into a folder that is not there is an InputError", () =>
  withFolder(async (folder) => {
    await assertRejects(() => saveTrainingState(`${folder}/none`, madeState()), InputError, "none");
    await assertRejects(() => writeTrainingLog(`${folder}/none`, LOG), InputError, "none");
  }));

Deno.test("dropTrainingState() removes the state, keeps the log, and may be called twice", () =>
  withFolder(async (folder) => {
    await saveTrainingState(folder, madeState());
    await dropTrainingState(folder);
    await dropTrainingState(folder);
    assertEquals(await loadTrainingState(folder, "run-1"), null);
    assertEquals((await Array.fromAsync(Deno.readDir(folder))).map((entry) => entry.name), ["log.jsonl"]);
  }));
