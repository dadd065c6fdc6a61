import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { InputError } from "../../lib/core/mod.ts";
import {
  checkEdits,
  checkLastBlockPatch,
  checkRoute,
  lastBlockMasks,
  type LastBlockPatch,
  lastBlockPatchText,
  parseLastBlockPatch,
} from "../../lib/probe/mod.ts";
import { everyPatch } from "../decode/_routes.ts";
import { randomVectors, withTinyModel } from "../decode/_tiny_model.ts";

const config = tinyConfig({ heads: 6, kvHeads: 2 });
const parse = (text: string) => parseLastBlockPatch(text, { config, where: "--patch" });

Deno.test("parseLastBlockPatch() reads what lastBlockPatchText() writes, for every patch", () => {
  for (const patch of everyPatch(config)) assertEquals(parse(lastBlockPatchText(patch)), patch);
});

Deno.test("parseLastBlockPatch() takes lists, paths, and underscores for hyphens", () => {
  const cases: Readonly<Record<string, LastBlockPatch>> = {
    "v:1": { mode: "v", head: 1 },
    "q:0,5": { mode: "q", head: [0, 5] },
    "inverse-v:1": { mode: "v", head: 1, inverse: true },
    "inverse_all_v": { mode: "all_v", inverse: true },
    "head:3/mlp": { mode: "head", head: 3, path: "mlp" },
    "head:3/all": { mode: "head", head: 3 },
    "inverse-head:0,1/residual": { mode: "head", head: [0, 1], inverse: true, path: "residual" },
    "skip-attn": { mode: "skip_attn" },
    "skip_layer": { mode: "skip_layer" },
  };
  for (const [text, patch] of Object.entries(cases)) assertEquals(parse(text), patch);
});

Deno.test("parseLastBlockPatch() refuses other words with one line that says what to write", () => {
  const wrong: readonly (readonly [string, string])[] = [
    ["", "is of no known mode"],
    ["vv:1", 'patch "vv:1" is of no known mode: --patch (modes are q, k, v, group, head, all-v, skip-attn'],
    ["v", 'patch "v" does not name its heads: --patch (write v:0)'],
    ["inverse-k", "(write inverse-k:0)"],
    ["v:", "does not name its heads"],
    ["v:x", "does not name its heads"],
    ["v:1.5", "does not name its heads"],
    ["v:-1", "does not name its heads"],
    ["v:0,", "does not name its heads"],
    ["v:2", 'patch "v:2" names head 2: --patch (v has heads 0 to 1 in this model)'],
    ["q:0,6", "(q has heads 0 to 5 in this model)"],
    ["group:2", "(group has heads 0 to 1 in this model)"],
    ["q:1,1", "names a head twice"],
    ["skip-attn:0", "has no choice of heads: --patch (write skip-attn)"],
    ["inverse-all-v:0", "(write inverse-all-v)"],
    ["inverse-skip-attn", "has no inverse: --patch (write skip-attn)"],
    ["v:1/mlp", "has no path: --patch (only head:N has one)"],
    ["head:1/both", 'has the unknown path "both": --patch (paths are all, residual, mlp)'],
    ["head:1/", 'has the unknown path ""'],
  ];
  for (const [text, message] of wrong) {
    const error = assertThrows(() => parse(text), InputError);
    assertStringIncludes((error as Error).message, message);
    assert(!(error as Error).message.includes("\n"));
  }
  const shallow = tinyConfig({ layers: 1 });
  assertThrows(
    () => parseLastBlockPatch("base", { config: shallow, where: "--patch" }),
    InputError,
    "needs a block before the last",
  );
});

Deno.test("checkLastBlockPatch() refuses what a mode does not take, naming mode, rule and value", () => {
  const wrong: readonly (readonly [unknown, string])[] = [
    [{ mode: "w" }, 'Cannot patch "w" as mode must be q, k, v, group, head, all_v, skip_attn, skip_layer'],
    [{ mode: "q", head: 6 }, 'Cannot patch "q" as head must be < 6: current value is 6'],
    [{ mode: "v", head: [0, 2] }, 'Cannot patch "v" as head must be < 2: current value is 2'],
    [{ mode: "v", head: -1 }, "head must be < 2: current value is -1"],
    [{ mode: "v", head: 0.5 }, "head must be < 2: current value is 0.5"],
    [{ mode: "k" }, 'Cannot patch "k" as it must name a head: current value is none'],
    [{ mode: "head", head: [] }, "it must name a head: current value is none"],
    [{ mode: "head", head: [1, 1] }, "a head must be named once: current value is 1"],
    [{ mode: "skip_attn", head: 0 }, "this mode has no choice of heads: current value is head 0"],
    [{ mode: "base", inverse: true }, "this mode has no inverse"],
    [{ mode: "v", head: 0, path: "mlp" }, 'only mode "head" has a path: current value is "mlp"'],
    [{ mode: "head", head: 0, path: "both" }, 'path must be all, residual, mlp: current value is "both"'],
  ];
  for (const [patch, message] of wrong) {
    assertThrows(() => checkLastBlockPatch(patch as LastBlockPatch, config), RangeError, message);
  }
  assertThrows(
    () => checkLastBlockPatch({ mode: "base" }, tinyConfig({ layers: 1 })),
    RangeError,
    'Cannot patch "base" as the model must have a block before the last: current value is 1 block',
  );
});

Deno.test("lastBlockMasks() say by head which stream is read", () => {
  const masks = (patch: LastBlockPatch) =>
    Object.fromEntries([...lastBlockMasks(patch, config)].map(([part, { data }]) => [part, data.join("")]));
  assertEquals(masks({ mode: "q", head: [1, 4] }), { q: "101101" });
  assertEquals(masks({ mode: "q", head: 1, inverse: true }), { q: "010000" });
  assertEquals(masks({ mode: "v", head: 1 }), { v: "10" });
  assertEquals(masks({ mode: "group", head: 1 }), { q: "111000", k: "10", v: "10" });
  assertEquals(masks({ mode: "group", head: 0, inverse: true }), { q: "111000", k: "10", v: "10" });
  assertEquals(masks({ mode: "head", head: 5, path: "mlp" }), { heads: "111110" });
  assertEquals(masks({ mode: "all_v" }), {});
  assertEquals(masks({ mode: "skip_layer" }), {});
});

Deno.test("checkRoute() wants the vector of the block before the last, at the place mlp", () => {
  const lastBlock = { mode: "skip_attn" } as const;
  checkRoute({ lastBlock }, { config, layers: [0, 1] });
  checkRoute({ place: "attention" }, { config, layers: [] });
  assertThrows(
    () => checkRoute({ lastBlock }, { config, layers: [] }),
    RangeError,
    "Cannot patch the last block as the vector of layer 0 must be given: current layers are none",
  );
  assertThrows(
    () => checkRoute({ lastBlock, place: "input_norm" }, { config, layers: [0] }),
    RangeError,
    'Cannot patch the last block as place must be "mlp": current value is "input_norm"',
  );
});

Deno.test("checkEdits() refuses sites of which a patched last block has two", () => {
  const wrong: readonly (readonly [LastBlockPatch, "input_norm" | "k" | "v"])[] = [
    [{ mode: "head", head: 0 }, "k"],
    [{ mode: "head", head: 0 }, "v"],
    [{ mode: "head", head: 0 }, "input_norm"],
    [{ mode: "q", head: 0 }, "input_norm"],
    [{ mode: "all_v" }, "input_norm"],
  ];
  for (const [lastBlock, kind] of wrong) {
    const site = `blocks.1.${kind}` as const, steer = [0];
    const message = `"${site}" as the last block must have one of it: current mode is "${lastBlock.mode}"`;
    assertThrows(
      () => checkEdits({ steer, lastBlock, taps: [site] }, config),
      RangeError,
      `Cannot tap ${message}`,
    );
    assertThrows(
      () => checkEdits({ steer, lastBlock, patches: [site] }, config),
      RangeError,
      `Cannot patch ${message}`,
    );
    checkEdits({ steer, lastBlock, taps: [`blocks.0.${kind}`] }, config); // other blocks are as they are
  }
  checkEdits({ steer: [0], lastBlock: { mode: "skip_attn" }, taps: ["blocks.1.input_norm"] }, config);
});

Deno.test("steeringAdjoint() of a vector that a patch leaves out is refused before anything runs", () =>
  withTinyModel(async (model) => {
    const rows = [{ tokens: [1, 2, 3], from: 1, weight: 1 }], steer = randomVectors(model.config, [0, 1]);
    await assertRejects(
      () => model.steeringAdjoint(rows, { steer, lastBlock: { mode: "base" } }),
      RangeError,
      'Cannot give steering adjoints as every vector must be added: mode "base" leaves out that of layer 0',
    );
  }));
