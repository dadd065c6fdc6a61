import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Laboratory, type ModelRole, ResultStore } from "../../lib/experiment/mod.ts";
import { fig19 } from "../../reproductions/fig19.ts";
import { fig20 } from "../../reproductions/fig20.ts";
import { fig21 } from "../../reproductions/fig21.ts";
import {
  EMBEDDED,
  percentWith,
  ROLES,
  TINY_SIZE,
  USUAL_DIGIT,
  withZooModel,
  writeVectors,
} from "../experiment/_tiny_zoo.ts";
import { checkFindings, findingsOf, PlannedLaboratory, valueOf } from "../reproductions/_reproduction.ts";

Deno.test("fig21 lets heads' outputs through on every path as the block's arithmetic says", () =>
  withZooModel(async (a, { entry }) => {
    await writeVectors(`${entry.vectorsFolder}/layer-2.seed-0.safetensors`, { 2: 0.1 }, { axis: "hint" });
    const findings = await findingsOf(fig21, { a, size: { ...TINY_SIZE, problems: 1, swept: 1 } });
    checkFindings(findings);
    const value = (name: string) => valueOf(findings, `accuracy.${name}.greedy`) ?? NaN;
    const whole = percentWith(USUAL_DIGIT, 4); // four times the size
    assertAlmostEquals(value("penultimate"), whole, 1e-9);
    assertEquals([value("skip_attn"), value("skip_layer")], [0, 0]);
    // The first query head alone writes, and the MLP is zero: the residual stream alone counts.
    const near = (name: string, expected: number) => assertAlmostEquals(value(name), expected, 1e-9, name);
    for (let head = 0; head < 4; head++) {
      near(`skip_head_${head}`, head === 0 ? 0 : whole);
      near(`skip_head_residual_${head}`, head === 0 ? 0 : whole);
      near(`skip_head_mlp_${head}`, whole);
      near(`steer_head_${head}`, head === 0 ? whole : 0);
      near(`steer_head_residual_${head}`, head === 0 ? whole : 0);
      near(`steer_head_mlp_${head}`, whole);
    }
    assertEquals(findings.claims.map(({ claim }) => claim).includes("attention_weights_stay"), false);
  }, { reader: "values" }));

Deno.test("fig19, fig20 and fig21 are made of base B; fig20 says what Skip-Attn keeps of the gain", () =>
  withZooModel(async (a) => {
    const right = { layer: 8, skip_attn: 6, other: 3 };
    const lab = new PlannedLaboratory({
      size: TINY_SIZE,
      right: ({ run }) => {
        const [treatment] = Array.isArray(run) ? run : [];
        if (treatment?.lastBlock?.mode === "skip_attn") return right.skip_attn;
        return treatment?.name.startsWith("layer-2") ? right.layer : right.other;
      },
    });
    const findings = await findingsOf(fig20, { a, lab });
    checkFindings(findings);
    assertAlmostEquals(valueOf(findings, "kept_share.skip_attn.sampling") ?? NaN, 100 * 3 / 5, 1e-9);
    const kept = findings.claims.find(({ claim }) => claim === "skip_attn_keeps_most_of_the_gain");
    assertEquals([kept?.effect.value, kept?.interval !== null], [60, true]);

    const roles: ModelRole[] = [];
    const open = (role: ModelRole) => {
      roles.push(role);
      return Promise.resolve(a);
    };
    const small = new Laboratory({ asked: EMBEDDED, size: TINY_SIZE, seed: 0, store: new ResultStore(null) });
    const last = await fig19.run({ lab: small, roles: ROLES, open });
    checkFindings(last);
    await fig20.run({ lab, roles: ROLES, open });
    await fig21.run({ lab, roles: ROLES, open });
    assertEquals(roles, ["b", "b", "b"]);
    assertEquals(last.claims.map(({ claim }) => claim), [
      "boost_concentrates_on_first_token",
      "last_layer_boosts_opener",
      "opener_recovers_most_of_the_gain",
    ]);
  }));
