import { assertEquals, assertRejects } from "@std/assert";
import { PARITY_CASES, writeParityCheckpoint } from "../../../fixtures/golden/parity_cases.ts";
import {
  compareValue,
  parity,
  PARITY_VALUES,
  type ParityGolden,
  type ParityRow,
  readParityGolden,
  writeGoldenModel,
} from "../../../lib/analysis/mod.ts";
import {
  ARCHITECTURES,
  readSafetensorsHeader,
  readTensor,
  writeSafetensors,
} from "../../../lib/checkpoint/mod.ts";
import { InputError, type Tensor, tensor } from "../../../lib/core/mod.ts";
import { LanguageModel } from "../../../lib/decode/mod.ts";
import { siteKindsOf, siteName } from "../../../lib/model/mod.ts";
import { withFolder } from "../../checkpoint/_folder.ts";
import { assertClose, TOLERANCES } from "../../tolerances.ts";

const goldenPath = (name: string) =>
  new URL(`../../../fixtures/golden/${name}.safetensors`, import.meta.url).pathname;

async function withModel(
  name: string,
  body: (model: LanguageModel, folder: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    await writeParityCheckpoint(folder, name);
    const model = await LanguageModel.open(folder, { threads: 1 });
    try {
      await body(model, folder);
    } finally {
      await model.release();
    }
  });
}

const boundOf = (name: string) =>
  name.endsWith("adjoint") ? TOLERANCES.adjointFloat32.bound : TOLERANCES.forwardFloat32.bound;

function assertParity(row: ParityRow): void {
  const { name, relativeError, argmaxAgreement, klNats } = row;
  const fits = relativeError <= boundOf(name) && (argmaxAgreement ?? 1) === 1 &&
    Math.abs(klNats ?? 0) <= 1e-6;
  if (!fits) throw new Error(JSON.stringify(row));
}

for (const family of ARCHITECTURES) {
  Deno.test(`the ${family} cases bring every pair of settings together`, () => {
    const settings = Object.values(PARITY_CASES).filter(({ config }) => config.architecture === family)
      .map(({ config, dtype }) => ({
        kvHeads: config.kvHeads,
        headDim: config.headDim,
        dtype,
        angles: `${config.ropeTheta} ${config.ropeScaling !== null}`,
        tied: config.tiedEmbeddings,
      }));
    const names = ["kvHeads", "headDim", "dtype", "angles", "tied"] as const;
    for (const a of names) {
      for (const b of names.slice(names.indexOf(a) + 1)) {
        const count = (name: typeof names[number]) => new Set(settings.map((setting) => setting[name])).size;
        const pairs = new Set(settings.map((setting) => `${setting[a]}|${setting[b]}`));
        assertEquals([a, b, pairs.size, count(a) >= 2], [a, b, count(a) * count(b), true]);
      }
    }
  });
}

Deno.test("no case has heads as wide as the residual stream over their number; each family has shards and one file", () => {
  for (const { config } of Object.values(PARITY_CASES)) {
    assertEquals(config.headDim === config.embed / config.heads, false);
  }
  for (const family of ARCHITECTURES) {
    const cases = Object.values(PARITY_CASES).filter(({ config }) => config.architecture === family);
    assertEquals(new Set(cases.map(({ shards = 1 }) => shards)), new Set([1, 2]));
  }
});

for (const name of Object.keys(PARITY_CASES)) {
  Deno.test(`${name}: logits, sites, log-probabilities, cached decoding and adjoints equal transformers`, () =>
    withModel(name, async (model) => {
      const table = await parity(model, await readParityGolden(goldenPath(name), model));
      const kinds = siteKindsOf(model.config);
      assertEquals(table.length, PARITY_VALUES.length + kinds.length * model.config.layers);
      table.forEach(assertParity);
      const rows = new Set(table.map((row) => row.name));
      for (let layer = 0; layer < model.config.layers; layer++) {
        for (const kind of kinds) assertEquals(rows.has(siteName({ layer, kind })), true);
      }
    }));
}

Deno.test("parity() sees what differs: another scaling, other vectors, another token", async () => {
  const name = "llama/gqa_8_bfloat16_scaled_biased";
  await withModel(name, async (model, folder) => {
    const golden = await readParityGolden(goldenPath(name), model);
    const worst = (table: readonly ParityRow[], find: (row: ParityRow) => boolean) =>
      Math.max(...table.filter(find).map((row) => row.relativeError));
    const config = JSON.parse(await Deno.readTextFile(`${folder}/config.json`));
    config.rope_scaling.factor = 2;
    await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(config));
    const other = await LanguageModel.open(folder, { threads: 1 });
    const table = await parity(other, golden);
    assertEquals(worst(table, (row) => row.name.startsWith("blocks.0.q")) < 1e-6, true);
    assertEquals(worst(table, (row) => row.name === "blocks.0.attn_weights") > 1e-3, true);
    assertEquals(worst(table, (row) => row.name === "logits") > 1e-3, true);
    await other.release();
    const vectors = new Map([...golden.steering].map(([layer, vector]) => [layer, vector.map((x) => x / 2)]));
    const steered = await parity(model, { ...golden, steering: vectors });
    assertEquals(worst(steered, (row) => row.name === "logits") < 1e-5, true);
    assertEquals(worst(steered, (row) => row.name === "steered.logits") > 1e-3, true);
    const [first, ...rest] = golden.completions as [readonly number[], ...(readonly number[])[]];
    const completions = [[...first.slice(0, -1), ((first.at(-1) as number) + 1) % 37], ...rest];
    const decode = (await parity(model, { ...golden, completions })).find((row) => row.name === "decode");
    const tokens = completions.flat().length;
    assertEquals(decode?.argmaxAgreement, (tokens - 1) / tokens);
  });
});

Deno.test("compareValue() counts NaN as infinitely far and refuses other shapes", () => {
  const golden = tensor("float32", [2, 2], [1, -4, 2, 0]);
  const row = compareValue("x", { golden, ours: tensor("float32", [2, 2], [1, -3, 2, 0.5]), kind: "plain" });
  assertEquals(row, {
    name: "x",
    maxError: 1,
    meanError: 0.375,
    relativeError: 0.25,
    argmaxAgreement: null,
    klNats: null,
  });
  const nan = compareValue("x", { golden, ours: tensor("float32", [2, 2], [1, NaN, 2, 0]), kind: "plain" });
  assertEquals([nan.maxError, nan.relativeError], [Infinity, Infinity]);
  let message = "";
  try {
    compareValue("x", { golden, ours: tensor("float32", [4], [1, 2, 3, 4]), kind: "plain" });
  } catch (error) {
    message = String(error);
  }
  assertEquals(
    message,
    'RangeError: Cannot compare "x" as both must have one shape: current shapes are [2,2] and [4]',
  );
});

Deno.test("compareValue() measures KL of logits by hand", () => {
  const logits = (...odds: number[]) => tensor("float32", [1, odds.length], odds.map(Math.log));
  const { klNats, argmaxAgreement } = compareValue("x", {
    golden: logits(3, 1),
    ours: logits(20, 20),
    kind: "logits",
  });
  assertClose([klNats as number], [0.75 * Math.log(1.5) + 0.25 * Math.log(0.5)], "operatorFloat32");
  assertEquals(argmaxAgreement, 1); // of two equally likely tokens the first counts
});

Deno.test("goldens of other kinds, of other models and damaged ones are refused; a whole one makes its model again", async () => {
  const name = "llama/mqa_8_bfloat16";
  await withModel(name, async (model, folder) => {
    const file = await readSafetensorsHeader(goldenPath(name));
    const metadata = Object.fromEntries(file.metadata);
    const tensors = Object.fromEntries(
      await Promise.all(
        [...file.tensors].map(async ([key, entry]) =>
          [key, { dtype: "float32" as const, dims: entry.dims, data: await readTensor(entry) }] as const
        ),
      ),
    );
    const path = `${folder}/golden.safetensors`;
    const refused = async (content: Parameters<typeof writeSafetensors>[1], message: string) => {
      await writeSafetensors(path, content);
      const error = await assertRejects(() => readParityGolden(path, model), InputError, message);
      assertEquals(error.message.includes("\n"), false);
    };
    const { logits, ...headless } = tensors;
    assertEquals(logits?.dims.length, 3);
    await refused({ tensors, metadata: { ...metadata, kind: "steering" } }, "not a golden file of a model");
    await refused({ tensors, metadata: { ...metadata, model: "0" } }, "made from another model");
    await refused(
      { tensors, metadata: { ...metadata, inputs: "{" } },
      "inputs in this golden file are damaged",
    );
    await refused({ tensors: headless, metadata }, 'has no "logits"');
    const short = { dtype: "float32" as const, dims: [2], data: new Float32Array(2) };
    await refused(
      { tensors: { ...tensors, steering: short }, metadata },
      "must have shape [2, 24], found [2]",
    );
    const { recipe, ...unmade } = metadata;
    assertEquals(recipe === undefined, false);
    await writeSafetensors(path, { tensors, metadata: unmade });
    const make = () => writeGoldenModel(path, `${folder}/again`);
    await assertRejects(make, InputError, "does not say how its model was made");
    await writeSafetensors(path, { tensors, metadata: { ...metadata, recipe: '{"seed":0}' } });
    await assertRejects(make, InputError, "the recipe of the model in this golden file is damaged");
    await writeSafetensors(path, { tensors, metadata });
    await make();
    assertEquals(
      await Deno.readFile(`${folder}/again/model.safetensors`),
      await Deno.readFile(`${folder}/model.safetensors`),
    );
    const whole: ParityGolden = await readParityGolden(path, model);
    assertEquals((whole.values.get("logits") as Tensor).dims, logits?.dims);
  });
});
