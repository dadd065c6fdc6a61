import { assertEquals, assertRejects } from "@std/assert";
import type { BenchmarkOutcomes } from "../../lib/analysis/mod.ts";
import { InputError } from "../../lib/core/mod.ts";
import { type Condition, Laboratory, ResultStore, ZooModel } from "../../lib/experiment/mod.ts";
import { FAMILIES, writerSystemPrompt } from "../../lib/problems/mod.ts";
import { controlNegative } from "../../reproductions/control_negative.ts";
import { EMBEDDED, ROLES, TINY_SIZE, withZooModel } from "../experiment/_tiny_zoo.ts";
import { checkFindings, valueOf } from "../reproductions/_reproduction.ts";

const PROBLEMS = 40;

/** A laboratory that knows the share of right answers of each model and condition beforehand. */
class WrittenLab extends Laboratory {
  readonly #shares: Readonly<Record<string, number>>;

  constructor(shares: Readonly<Record<string, number>>) {
    super({ asked: EMBEDDED, size: TINY_SIZE, seed: 0, store: new ResultStore(null) });
    this.#shares = shares;
  }

  override outcomes({ zoo, run, prefix, system }: Condition): Promise<BenchmarkOutcomes> {
    const part = system === writerSystemPrompt("careful")
      ? "careful"
      : system === writerSystemPrompt("sloppy")
      ? "sloppy"
      : prefix ?? run ?? "base";
    const share = this.#shares[`${zoo.entry.name} ${part}`];
    if (share === undefined) throw new Error(`not written down: ${zoo.entry.name} ${part}`);
    const answers = Array.from({ length: PROBLEMS }, (_, index) => [index < share * PROBLEMS ? 1 : 0]);
    return Promise.resolve(Object.fromEntries(FAMILIES.map((family) => [family, [[answers, answers]]])));
  }
}

const BASE_A = {
  "base-a base": 0.4,
  "base-a To": 0.5,
  "base-a careful": 0.8,
  "base-a sloppy": 0.2,
  "base-a layer-3": 0.6,
  "base-a all": 0.9,
};

Deno.test("control-negative measures both models and says whether the control lacks what base A has", () =>
  withZooModel(async (a, { entry }) => {
    const control = await ZooModel.open({ ...entry, name: "control" }, { threads: 1 });
    const findings = async (careful: number, prefix: number) => {
      const shares = {
        ...BASE_A,
        "control base": 0.4,
        "control To": prefix,
        "control careful": careful,
        "control sloppy": 0.4,
        "control layer-3": 0.4,
        "control all": 0.5,
      };
      const found = await controlNegative.run({
        roles: ROLES,
        lab: new WrittenLab(shares),
        open: (role) => Promise.resolve(role === "control" ? control : a),
      });
      checkFindings(found);
      return found;
    };
    const lacking = await findings(0.4, 0.4);
    assertEquals(lacking.claims.map(({ holds }) => holds), [true, true]);
    assertEquals(valueOf(lacking, "difference.a.careful_minus_sloppy")?.toFixed(6), "60.000000");
    assertEquals(valueOf(lacking, "difference.control.prefix_minus_base"), 0);
    assertEquals(valueOf(lacking, "accuracy.a.all_layers")?.toFixed(6), "90.000000");
    const having = await findings(0.8, 0.7);
    assertEquals(having.claims.map(({ holds }) => holds), [false, false]);
    assertEquals(having.values.map(({ name }) => name), lacking.values.map(({ name }) => name));
    const between = await findings(0.5, 0.4);
    assertEquals(between.claims.map(({ holds }) => holds), [null, true]);
    await control.release();
  }));

Deno.test("control-negative misses a run before it measures anything", () =>
  withZooModel(async (a, { entry }) => {
    await Deno.remove(`${entry.vectorsFolder}/all.seed-0.safetensors`);
    await assertRejects(
      () =>
        controlNegative.run({
          roles: ROLES,
          lab: new WrittenLab({}),
          open: () => Promise.resolve(a),
        }),
      InputError,
      'no run "all"',
    );
  }));
