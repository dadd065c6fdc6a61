import { assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { fig12 } from "../../reproductions/fig12.ts";
import { TINY_SIZE } from "../experiment/_tiny_zoo.ts";
import { checkFindings, findingsOf, valueOf } from "./_reproduction.ts";
import { scriptedFindings, tooEarly } from "./_scripted_lab.ts";
import { withWholeZoo } from "./_whole_zoo.ts";

Deno.test("fig12 finds on the tiny model where a vector reaches the residual stream", () =>
  withWholeZoo(async ({ a }) => {
    const findings = await findingsOf(fig12, { a, size: { ...TINY_SIZE, problems: 4 } });
    checkFindings(findings);
    const value = (name: string) => valueOf(findings, `accuracy.${name}`);
    // The vector of block 0 is zero, and what follows the norms of block 1 is multiplied by zeros.
    for (const name of ["block_before.mlp", "block.input_norm", "block.post_attention_norm"]) {
      assertEquals([name, value(name)], [name, value("base")]);
    }
    // Added a second time, it reaches the stream. Single seeds of one vector: the same answers at every such place.
    for (const name of ["block.input_norm.as_published", "block.post_attention_norm.as_published"]) {
      assertEquals([name, value(name)], [name, value("block.attention")]);
    }
    assertEquals((value("block.attention") ?? 0) > (value("base") ?? 100), true);
    // The places differ by as much as the blocks: the claim is not established.
    assertEquals(findings.claims.map(({ effect, holds }) => [effect.value, holds]), [[0, null]]);
  }));

Deno.test("fig12 decides its claim both ways", () =>
  withWholeZoo(async (zoo) => {
    const findings = (before: number) =>
      scriptedFindings(fig12, {
        zoo,
        share: ({ run }) =>
          run === "layer-0" ? before : run === "base" ? 0.1 : run === "place-input_norm-1" ? 0.7 : 0.8,
      });
    const far = await findings(0.3), near = await findings(0.75);
    for (const found of [far, near]) checkFindings(found);
    assertEquals(far.claims[0]?.effect.value, 40);
    assertEquals([far.claims[0]?.holds, near.claims[0]?.holds], [true, false]);
    assertEquals(far.values.map(({ name }) => name), [
      "accuracy.base",
      "accuracy.block_before.mlp",
      "accuracy.block.input_norm",
      "accuracy.block.attention",
      "accuracy.block.post_attention_norm",
      "accuracy.block.mlp",
      "accuracy.block.input_norm.as_published",
      "accuracy.block.post_attention_norm.as_published",
    ]);
  }));

Deno.test("fig12 refuses a missing place, and a model without such blocks, before it measures anything", () =>
  withWholeZoo(async (zoo) => {
    await Deno.remove(`${zoo.entry.vectorsFolder}/place-attention-1.seed-0.safetensors`);
    await assertRejects(
      () => scriptedFindings(fig12, { zoo, share: tooEarly }),
      InputError,
      'no run "place-attention-1"',
    );
    const a = Object.create(zoo.a, { layers: { value: 3 } });
    await assertRejects(
      () => scriptedFindings(fig12, { zoo: { ...zoo, a }, share: tooEarly }),
      InputError,
      "a model of 3 layers has no late block",
    );
  }));
