import { assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { fig11 } from "../../reproductions/fig11.ts";
import { TINY_SIZE } from "../experiment/_tiny_zoo.ts";
import { checkFindings, findingsOf, valueOf } from "../reproductions/_reproduction.ts";
import { scriptedFindings, tooEarly } from "../reproductions/_scripted_lab.ts";
import { withWholeZoo } from "../reproductions/_whole_zoo.ts";

Deno.test("fig11 sets adapters beside vectors, layer by layer, for both models", () =>
  withWholeZoo(async (zoo) => {
    const findings = await scriptedFindings(fig11, {
      zoo,
      share: ({ model, run }) => {
        if (run === "base") return 0.1;
        if (run === "all") return 0.9;
        const [kind, layer] = run.split("-") as [string, string];
        return (kind === "adapter" ? 0.5 : 0.3) + 0.1 * Number(layer) -
          (model === "base-b" ? 0.2 : 0) * Number(
              kind === "adapter",
            );
      },
    });
    checkFindings(findings);
    const value = (name: string) => valueOf(findings, name) ?? NaN;
    assertAlmostEquals(value("accuracy.a.adapter.layer_2"), 70, 1e-9);
    assertAlmostEquals(value("accuracy.b.vector.layer_3"), 60, 1e-9);
    assertAlmostEquals(value("adapter_minus_vector.a"), 20, 1e-9);
    assertAlmostEquals(value("adapter_minus_vector.b"), 0, 1e-9);
    assertEquals([findings.values.length, findings.claims.length], [2 * (2 + 8 + 1), 0]);
  }));

Deno.test("fig11 finds on the tiny model what its weights say: adapters that read zeros do nothing", () =>
  withWholeZoo(async ({ a }) => {
    const findings = await findingsOf(fig11, { a, size: { ...TINY_SIZE, problems: 2, evaluationSeeds: 1 } });
    checkFindings(findings);
    const base = valueOf(findings, "accuracy.a.base");
    for (const layer of [0, 1, 2, 3]) {
      assertEquals(valueOf(findings, `accuracy.a.adapter.layer_${layer}`), base);
    }
    assertEquals(valueOf(findings, "accuracy.a.vector.layer_0"), base);
  }));

Deno.test("fig11 misses an adapter before it measures anything", () =>
  withWholeZoo(async (zoo) => {
    await Deno.remove(`${zoo.entry.vectorsFolder}/adapter-3.seed-0.safetensors`);
    await assertRejects(
      () => scriptedFindings(fig11, { zoo, share: tooEarly }),
      InputError,
      'no run "adapter-3"',
    );
  }));
