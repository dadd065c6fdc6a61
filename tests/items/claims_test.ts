import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import {
  type Bench,
  type Findings,
  Laboratory,
  type Reproduction,
  ResultStore,
  ZooModel,
} from "../../lib/experiment/mod.ts";
import type { ClaimResult } from "../../lib/report/mod.ts";
import { claimsItem } from "../../reproductions/claims.ts";
import { fig01 } from "../../reproductions/fig01.ts";
import { fig03 } from "../../reproductions/fig03.ts";
import { fig13 } from "../../reproductions/fig13.ts";
import { table1 } from "../../reproductions/table1.ts";
import { EMBEDDED, ROLES, TINY_SIZE, withZooModel } from "../experiment/_tiny_zoo.ts";
import { checkFindings, findingsOf, valueOf } from "../reproductions/_reproduction.ts";

/** Runs a body with a model for every role and another, named control, for the control. */
function withControl(body: (a: ZooModel, control: ZooModel) => Promise<void>): Promise<void> {
  return withZooModel(async (a, { entry }) => {
    const control = await ZooModel.open({ ...entry, name: "control" }, { threads: 1 });
    await body(a, control).finally(() => control.release());
  });
}

function claimOf(claim: string, verdict: boolean | null | "unreadable"): ClaimResult {
  return {
    claim,
    statement: `The statement of ${claim}.`,
    holds: verdict === "unreadable" ? null : verdict,
    ...(verdict === "unreadable" ? { unreadable: "it leaves no room" } : {}),
    effect: { name: `effect of ${claim}`, value: 3, unit: "points" },
    interval: { level: 0.95, low: 1, high: 5 },
    note: "Made up.",
  };
}

/** An item that measures base of role a, and claims what a function of the model's name says. */
function madeUp(id: string, claims: (model: string) => readonly ClaimResult[]): Reproduction {
  const run = async ({ lab, open }: Bench): Promise<Findings> => {
    const zoo = await open("a");
    await lab.outcomes({ zoo, run: "layer-3", decoding: "sampling" });
    return { spec: {}, values: [], claims: claims(zoo.entry.name) };
  };
  return { id, slug: id, title: id, itemClass: "inferred", differences: [], run };
}

const PARTS = { positive: true, control: false } as const;
const on = (model: string) => PARTS[model === "control" ? "control" : "positive"];

/** Every item that a claim rests on: all hold on the positive zoo, none on the control. */
const IDS = ["fig3", "fig5", "fig6", "fig7", "fig20", "fig22", "fig1", "fig2", "fig4"];
const GOOD: readonly Reproduction[] = [
  ...IDS.map((id) =>
    madeUp(id, (model) => [claimOf(`${id}_first`, on(model)), claimOf(`${id}_second`, true)])
  ),
  madeUp("fig16", (model) => [
    claimOf("middle_layers_suppress_non_english", true),
    claimOf("pre_final_layers_suppress_non_english", on(model)),
  ]),
  madeUp("table1", () => [
    claimOf("transfer_within_family", false),
    claimOf("base_vectors_transfer", true),
    claimOf("own_vectors_do_best", false),
  ]),
  madeUp("table2", () => [claimOf("vectors_recover_most_of_full_tuning_a", true)]),
  madeUp("fig13", (model) => [
    claimOf("isolated_vectors_combine", on(model)),
    claimOf("isolated_vectors_combine_b", true),
  ]),
  madeUp("control-random-reward", () => [
    claimOf("random_rewards_gain_nothing", true),
    claimOf("random_rewards_recover_most_of_full_tuning", false),
  ]),
];
/** Claims in their order; two of the paper's three by family are decided for both. */
const CLAIMS = "1 2 3_qwen 3_llama 4 5 6_qwen 6_llama 7_qwen 7_llama 8 9 10 11".split(" ");
const replaced = (item: Reproduction): Reproduction[] => [...GOOD.filter(({ id }) => id !== item.id), item];

const verdicts = ({ claims }: Findings, prefix: string) =>
  Object.fromEntries(
    claims.filter(({ claim }) => claim.startsWith(prefix)).map((
      { claim, holds },
    ) => [claim.slice(prefix.length), holds]),
  );

Deno.test("claims hold when every part does, and those that have a control must fail there", () =>
  withControl(async (a, control) => {
    const findings = await findingsOf(claimsItem(GOOD), { a, others: { control } });
    checkFindings(findings);
    assertEquals(
      verdicts(findings, "claim_"),
      Object.fromEntries(CLAIMS.map((id) => [id, id === "6_llama" ? null : true])),
    );
    assertEquals(verdicts(findings, "control_claim_"), { 1: true, 2: true, 4: true, 5: true });
    const counts = (side: string) =>
      ["hold", "fail", "open", "cannot_be_read", "not_measured"].map((what) =>
        valueOf(findings, `${side}.${what}`)
      );
    assertEquals(counts("positive"), [13, 0, 0, 0, 1]);
    // A model of another family, or a sibling, the control has none of: said, not passed over.
    assertEquals(counts("control"), [0, 10, 0, 0, 4]);
    assertEquals([valueOf(findings, "control.as_it_should"), valueOf(findings, "control.against")], [4, 0]);
    const noteOf = (name: string) => findings.values.find((value) => value.name === name)?.note ?? "";
    assertEquals(
      noteOf("control.claim_6_qwen"),
      "table1 not measured: the control is no member of a family.",
    );
    assertEquals(
      noteOf("positive.claim_6_llama"),
      "not measured: the zoo has one model that stands for Llama.",
    );
    // The control of claim 1 is another training of the same model; pairs say something of the control by role a alone.
    assertEquals(
      noteOf("control.claim_1"),
      "Parts that hold, of 1: control-random-reward random_rewards_recover_most_of_full_tuning does not hold.",
    );
    assertEquals(
      noteOf("control.claim_7_qwen"),
      "Parts that hold, of 1: fig13 isolated_vectors_combine does not hold.",
    );
    assertEquals(
      noteOf("control.claim_7_llama"),
      "fig13 not measured: the control takes the place of the Qwen model.",
    );
    assertEquals([valueOf(findings, "positive.claim_6_qwen"), valueOf(findings, "control.claim_2")], [1, 1]);
    // Every verdict has a name of its own.
    assertEquals(valueOf(findings, "verdict.claim_2.positive"), 1);
    assertEquals([valueOf(findings, "verdict.claim_2.control"), noteOf("verdict.claim_2.control")], [
      0,
      "does not hold",
    ]);
    assertEquals(findings.values.filter(({ name }) => name.startsWith("verdict.")).length, 2 * CLAIMS.length);
    // Layer 3 has two training seeds, the study two evaluation seeds.
    assertEquals(valueOf(findings, "seeds.claim_2.fig3.training"), 2);
    assertEquals(valueOf(findings, "seeds.claim_2.fig3.evaluation"), 2);
  }));

Deno.test("claims fail with one part, stay open with one, and say what the control does against expectation", () =>
  withControl(async (a, control) => {
    const part = async (id: string, holds: (model: string) => readonly Parameters<typeof claimOf>[1][]) => {
      const item = madeUp(
        id,
        (model) => holds(model).map((verdict, place) => claimOf(`part_${place}`, verdict)),
      );
      const findings = await findingsOf(claimsItem(replaced(item)), { a, others: { control } });
      checkFindings(findings);
      return findings;
    };
    const failed = await part("fig6", () => [true, null, false]);
    assertEquals([verdicts(failed, "claim_")["3_qwen"], valueOf(failed, "positive.fail")], [false, 1]);
    // What one family says decides nothing of the other.
    assertEquals(verdicts(failed, "claim_")["3_llama"], true);
    assertMatch(failed.claims[2]?.note ?? "", /fig6 part_1 open; fig6 part_2 does not hold/);
    assertEquals(failed.claims[2]?.effect.name, "fig6: effect of part_2");
    const open = await part("fig6", () => [true, null]);
    assertEquals([verdicts(open, "claim_")["3_qwen"], valueOf(open, "positive.open")], [null, 1]);
    assertEquals(open.claims[2]?.effect.name, "fig6: effect of part_1");
    // A claim that holds on both is a broken check.
    const both = await part("fig3", () => [true, true]);
    assertEquals([verdicts(both, "control_claim_")["2"], valueOf(both, "control.against")], [false, 1]);
    // What is open there was not found to fail: no verdict, and no "yes".
    const half = await part("fig3", (model) => [true, model === "control" ? null : true]);
    assertEquals([verdicts(half, "control_claim_")["2"], valueOf(half, "control.open")], [null, 1]);
    assertEquals(valueOf(half, "control.as_it_should"), 3);
    // What leaves no room decides nothing, whatever the other parts say.
    const full = await part("fig3", () => [false, "unreadable", true]);
    assertEquals([verdicts(full, "claim_")["2"], full.claims[1]?.unreadable], [null, "it leaves no room"]);
    assertEquals([valueOf(full, "positive.cannot_be_read"), valueOf(full, "positive.fail")], [1, 0]);
    assertEquals(valueOf(full, "verdict.claim_2.positive"), 3);
    assertMatch(JSON.stringify(full.spec), /"cannot be read",[^{]*\},\{"text":"\(1 of 3 parts\)"/);
  }));

Deno.test("claims name items that are not built, and what the control lacks, and never pass them", () =>
  withControl(async (a, control) => {
    const needy: Reproduction = {
      ...madeUp("fig16", () => []),
      run: async ({ open }) => {
        const zoo = await open("a");
        if (zoo === control) await zoo.trained("adapter-3");
        return { spec: {}, values: [], claims: [claimOf("pre_final_layers_suppress_non_english", true)] };
      },
    };
    const items = replaced(needy).filter(({ id }) => id !== "fig5");
    const findings = await findingsOf(claimsItem(items), { a, others: { control } });
    checkFindings(findings);
    assertEquals([verdicts(findings, "claim_")["3_qwen"], verdicts(findings, "claim_")["4"]], [null, true]);
    assertMatch(findings.claims[2]?.note ?? "", /^fig5 not built; fig6 fig6_first holds/);
    assertEquals(findings.claims[2]?.effect.value, null);
    assertEquals(verdicts(findings, "control_claim_")["4"], null);
    const four = findings.values.find(({ name }) => name === "control.claim_4");
    assertEquals([four?.value, four?.note], [null, 'fig16 not measured: no run "adapter-3".']);
    assertEquals(valueOf(findings, "positive.not_measured"), 2);
    assertEquals(JSON.stringify(findings).includes(a.entry.vectorsFolder), false, "no path of this machine");
    assertEquals(JSON.stringify(findings.spec).includes("not measured"), true);
  }));

Deno.test("claims let faults through: on the positive zoo, of other kinds, of items that lack a claim, of no control", () =>
  withControl(async (a, control) => {
    const failing = (error: Error, where: "both" | "control"): Reproduction => ({
      ...madeUp("fig2", () => []),
      run: async ({ open }) => {
        if (where === "both" || await open("a") === control) throw error;
        return { spec: {}, values: [], claims: [claimOf("part", true)] };
      },
    });
    const run = (item: Reproduction) => findingsOf(claimsItem(replaced(item)), { a, others: { control } });
    await assertRejects(() => run(failing(new InputError("no file"), "both")), InputError, "no file");
    await assertRejects(() => run(failing(new RangeError("broken"), "control")), RangeError, "broken");
    await assertRejects(
      () => run(madeUp("table1", () => [claimOf("another", true)])),
      RangeError,
      'Cannot read claim "base_vectors_transfer" of table1 as it must be one of another',
    );
    a.model.generate = () => Promise.reject(new Error("measured too early"));
    const lab = new Laboratory({ asked: EMBEDDED, size: TINY_SIZE, seed: 0, store: new ResultStore(null) });
    const open: Bench["open"] = (role) =>
      role === "control" ? Promise.reject(new InputError("no model")) : Promise.resolve(a);
    await assertRejects(() => claimsItem(GOOD).run({ lab, roles: ROLES, open }), InputError, "no model");
  }));

Deno.test("claims decide what the items at hand measure on a tiny zoo, and keep what a run before them measured", () =>
  withControl(async (a, control) => {
    const items = [fig01, fig03, fig13, table1];
    const findings = await findingsOf(claimsItem(items), { a, others: { control } });
    checkFindings(findings);
    const decided = findings.claims.filter(({ effect }) => effect.name !== "not built");
    for (const id of ["2", "6_qwen", "7_qwen", "7_llama", "9"]) {
      assert(decided.some(({ claim }) => claim === `claim_${id}`), `claim ${id}`);
      assert(valueOf(findings, `positive.claim_${id}`) !== null);
    }
    // Names depend on which items there are, not on what they find.
    assertEquals(
      findings.values.filter(({ name }) => /^positive\.claim_/.test(name)).map(({ name }) => name),
      CLAIMS.map((id) => `positive.claim_${id}`),
    );
    // The control here is the same model as a: its parts are the same.
    assertEquals(valueOf(findings, "control.claim_2"), valueOf(findings, "positive.claim_2"));
    assertEquals(valueOf(findings, "seeds.claim_9.fig1.training"), 2);
  }));
