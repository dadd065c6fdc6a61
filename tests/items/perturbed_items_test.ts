/**
 * Every item under vectors that are none: it must turn red. `deno task test:items` runs it, `deno task test` does not.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  derivedTreatment,
  type ModelRole,
  parseProfile,
  ResultStore,
  STUDY_SIZES,
  type Treatment,
  ZooModel,
} from "../../lib/experiment/mod.ts";
import { randomDirections } from "../../lib/decode/mod.ts";
import { comparedValues, compareMetrics, readExpectations } from "../../lib/report/mod.ts";
import { REPRODUCTIONS } from "../../reproductions/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { findingsOf } from "../reproductions/_reproduction.ts";

const EMBEDDED = decodeURIComponent(new URL("../../fixtures/embedded", import.meta.url).pathname);
const ROLES = { a: "base-a", b: "base-b", a_instruct: "a-instruct", control: "control" } as const;

const PROFILE = parseProfile(
  JSON.parse(await Deno.readTextFile(new URL("../../fixtures/profiles/embedded.json", import.meta.url))),
  { where: "embedded.json" },
);

/** Random directions as long in place of vectors, adapters that write the other way. */
function perturbed(treatment: Treatment): Treatment {
  const { steer, adapters, inputs: _, name, ...route } = treatment;
  const directions = steer === undefined ? undefined : randomDirections(steer, { seed: 7, draw: 0 });
  return derivedTreatment(name, {
    ...route,
    of: [treatment],
    ...(directions === undefined ? {} : { steer: directions }),
    ...(adapters === undefined ? {} : {
      adapters: new Map([...adapters].map(([layer, { input, output }]) => [
        layer,
        { input, output: output.map((value) => -value) },
      ])),
    }),
  });
}

/** The claims are those of the other items. */
const UNTESTED: readonly string[] = ["claims"];
/** Items that no trained run belongs to: sizes, settings, costs. */
const WITHOUT_RUNS: readonly string[] = ["table5", "table6", "table7"];

/** A shipped model whose runs are perturbed; `asked` is called when one is read. */
async function openPerturbed(name: string, asked: () => void): Promise<ZooModel> {
  const planned = PROFILE.models.find((model) => model.name === name);
  const zoo = await ZooModel.open({
    name,
    modelFolder: `${EMBEDDED}/${name}`,
    vectorsFolder: `${EMBEDDED}/vectors/${name}`,
    autoencodersFolder: `${EMBEDDED}/sae`,
    opener: planned?.opener ?? "",
    ...(planned?.openers === undefined ? {} : { openers: planned.openers }),
    ...(planned?.systems === undefined ? {} : { systems: planned.systems }),
  });
  const trained = zoo.trained.bind(zoo);
  // Read before the vectors are perturbed: an autoencoder is held to the vectors that it was trained on.
  const autoencoder = name === "base-a" ? await zoo.differenceAutoencoder() : null;
  zoo.differenceAutoencoder = () => {
    if (autoencoder === null) throw new Error(`no autoencoder of ${name} is shipped`);
    asked();
    return Promise.resolve({ ...autoencoder, treatment: perturbed(autoencoder.treatment) });
  };
  zoo.trained = async (run) => {
    asked();
    return (await trained(run)).map(perturbed);
  };
  return zoo;
}

const exists = (path: string): Promise<boolean> => Deno.stat(path).then(() => true, () => false);

async function testPerturbed(t: Deno.TestContext, store: ResultStore): Promise<void> {
  let asked = 0;
  const models: { [Role in ModelRole]?: ZooModel } = {};
  for (const [role, name] of Object.entries(ROLES)) {
    if (!await exists(`${EMBEDDED}/${name}/config.json`)) continue;
    models[role as ModelRole] = await openPerturbed(name, () => asked++);
  }
  const withoutRuns: string[] = [];
  let tested = 0;
  try {
    for (const item of REPRODUCTIONS.filter(({ id }) => !UNTESTED.includes(id))) {
      const path = `${EMBEDDED}/expected/quick/${item.id}.json`;
      if (!await exists(path)) continue;
      await t.step(item.id, async () => {
        asked = 0;
        const { checks } = await readExpectations(path, { id: item.id });
        const findings = await findingsOf(item, {
          a: models.a as ZooModel,
          others: models,
          size: STUDY_SIZES.quick,
          store,
        });
        if (asked === 0) return void withoutRuns.push(item.id);
        tested++;
        const failed = compareMetrics(comparedValues(findings), checks, { source: path, at: "recorded" })
          .filter(({ verdict }) => verdict === "fail");
        assert(failed.length > 0, `${item.id} stays green under perturbed vectors`);
      });
    }
  } finally {
    for (const zoo of Object.values(models)) await zoo?.release();
  }
  assert(tested > 0, "no item has expected values");
  assertEquals(withoutRuns.filter((id) => !WITHOUT_RUNS.includes(id)), []);
}

// At the size whose values the test of the shipped vectors finds green. Items share what they measure.
Deno.test("every item with expected values turns red when its vectors are perturbed", (t) =>
  withFolder((folder) => testPerturbed(t, new ResultStore(folder))));
