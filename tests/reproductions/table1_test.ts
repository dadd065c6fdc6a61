import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { writeRandomCheckpoint } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { saveVectors } from "../../lib/vectors/mod.ts";
import { type Treatment, treatmentKey, ZooModel } from "../../lib/experiment/mod.ts";
import { table1 } from "../../reproductions/table1.ts";
import { STRENGTHS, withZooModel, writeVectors } from "../experiment/_tiny_zoo.ts";
import { MadeUpLaboratory } from "./_made_up_laboratory.ts";
import { checkFindings, findingsOf, valueOf } from "./_reproduction.ts";

/** Runs a body with a second model of the family, which has the same weights and vectors of its own. */
function withFamily(body: (a: ZooModel, instruct: ZooModel) => Promise<void>): Promise<void> {
  return withZooModel(async (a, { entry, folder }) => {
    const vectorsFolder = `${folder}/instruct`;
    await Deno.mkdir(vectorsFolder);
    await writeVectors(`${vectorsFolder}/all.seed-0.safetensors`, { ...STRENGTHS.map(() => 0) });
    const instruct = await ZooModel.open({ ...entry, name: "a-instruct", vectorsFolder }, { threads: 1 });
    await body(a, instruct).finally(() => instruct.release());
  });
}

Deno.test("table1 adds every donor's vectors to every recipient; vectors of zeros give base", () =>
  withFamily(async (a, instruct) => {
    const findings = await findingsOf(table1, {
      a,
      others: { a_instruct: instruct },
    });
    checkFindings(findings);
    assertEquals(
      findings.values.map(({ name }) => name),
      ["a", "a_instruct"].flatMap((role) => [
        `accuracy.${role}.base`,
        ...["a", "a_instruct"].flatMap((donor) => [
          `accuracy.${role}.from_${donor}`,
          `normalised.${role}.from_${donor}`,
          `normalised.${role}.from_${donor}.as_published`,
        ]),
      ]).concat(["gain.a.from_a_instruct", "gain.a_instruct.from_a"]),
    );
    const percent = (name: string) => valueOf(findings, `accuracy.${name}`);
    // The second model's vectors are zeros, and its weights are the first one's.
    assertEquals(percent("a.from_a_instruct"), percent("a.base"));
    assertEquals(percent("a_instruct.from_a"), percent("a.from_a"));
    assertEquals(valueOf(findings, "gain.a.from_a_instruct"), 0);
    // Zeros gain nothing: there is no own gain to share, and the published table shows percents in its place.
    assertEquals(valueOf(findings, "normalised.a_instruct.from_a"), null);
    assertEquals(
      valueOf(findings, "normalised.a_instruct.from_a.as_published"),
      percent("a_instruct.from_a"),
    );
    assertEquals(findings.claims.map(({ claim }) => claim), [
      "transfer_within_family",
      "base_vectors_transfer",
      "own_vectors_do_best",
    ]);
    assertEquals(findings.claims[0]?.holds === true, false);
  }));

Deno.test("table1 says that vectors transfer where each gains in the other model, and not where one does not", () =>
  withFamily(async (a, instruct) => {
    const made = async (foreign: readonly [inA: number, inInstruct: number]) => {
      const own = async (zoo: ZooModel) => treatmentKey((await zoo.trained("all"))[0] as Treatment).values;
      const hashes = new Map([[a, await own(a)], [instruct, await own(instruct)]]);
      const percent = (zoo: ZooModel, treatment: Treatment | null) =>
        treatment === null
          ? 20
          : treatmentKey(treatment).values === hashes.get(zoo)
          ? 80
          : foreign[zoo === a ? 0 : 1] as number;
      const lab = new MadeUpLaboratory(percent);
      const findings = await findingsOf(table1, { a, others: { a_instruct: instruct }, lab });
      checkFindings(findings);
      return findings;
    };
    const both = await made([50, 65]);
    const verdicts = ({ claims }: typeof both) => claims.map(({ holds, effect }) => [holds, effect.value]);
    assertEquals(verdicts(both), [[true, 30], [true, 45], [true, 15]]);
    assertEquals(valueOf(both, "normalised.a.from_a"), 1);
    assertEquals(valueOf(both, "normalised.a.from_a_instruct"), 0.5);
    assertEquals(valueOf(both, "normalised.a_instruct.from_a"), 0.75);
    const one = await made([50, 10]);
    assertEquals(verdicts(one), [[false, -10], [false, -10], [true, 30]]);
    // The base model's vectors are those of A: what it makes of other vectors is another claim.
    assertEquals(verdicts(await made([10, 65])), [[false, -10], [true, 45], [true, 15]]);
    const ahead = await made([95, 65]);
    assertEquals(verdicts(ahead), [[true, 45], [true, 45], [false, -15]]);
  }));

Deno.test("table1 refuses models of other shapes and missing vectors before it measures anything", () =>
  withZooModel(async (a, { entry, folder }) => {
    a.model.generate = () => Promise.reject(new Error("measured too early"));
    const modelFolder = `${folder}/other`, vectorsFolder = `${folder}/vectors`;
    const config = tinyConfig({ vocab: 423, eosTokenIds: [422] });
    await writeRandomCheckpoint(modelFolder, { config, dtype: "float32", seed: 0 });
    for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
      await Deno.copyFile(`${entry.modelFolder}/${name}`, `${modelFolder}/${name}`);
    }
    await Deno.mkdir(vectorsFolder);
    const other = await ZooModel.open({ ...entry, modelFolder, vectorsFolder }, { threads: 1 });
    const run = () => findingsOf(table1, { a, others: { a_instruct: other } });
    await assertRejects(run, InputError, 'no run "all"');
    const vectors = new Map([[0, new Float32Array(config.embed)]]);
    await saveVectors(`${vectorsFolder}/all.seed-0.safetensors`, { vectors, metadata: {} });
    const { message } = await assertRejects(run, InputError);
    assertMatch(
      message,
      /^a model of 2 layers of width \d+ takes no vectors of one of 4 layers of width 20: /,
    );
    await other.release();
  }));
