import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { weightShapes } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import { zeros } from "../../lib/core/mod.ts";
import {
  ADAPTER_SITE_KINDS,
  HEAD_NORM_SITE_KINDS,
  inputWeights,
  SITE_KINDS,
  type SiteName,
} from "../../lib/model/mod.ts";
import type { GraphBuilder } from "../../lib/onnx/mod.ts";
import { checkEdits, type Edits, sequenceGraph, siteShape } from "../../lib/probe/mod.ts";
import { withTinyModel } from "../decode/_tiny_model.ts";

const config = tinyConfig();
const ALL_KINDS = [...SITE_KINDS, ...HEAD_NORM_SITE_KINDS, ...ADAPTER_SITE_KINDS];
const KINDS = ALL_KINDS.join(", ");

const WRONG: readonly (readonly [Edits, string])[] = [
  [{ taps: ["blocks.2.q"] }, 'Cannot tap "blocks.2.q" as layer must be < 2: current value is 2'],
  [
    { patches: ["blocks.7.resid_post"] },
    'Cannot patch "blocks.7.resid_post" as layer must be < 2: current value is 7',
  ],
  [
    { taps: ["blocks.0.hidden" as SiteName] },
    `Cannot tap "blocks.0.hidden" as a site is blocks.LAYER.KIND with kind ${KINDS}`,
  ],
  [
    { patches: ["blocks.00.q" as SiteName] },
    `Cannot patch "blocks.00.q" as a site is blocks.LAYER.KIND with kind ${KINDS}`,
  ],
  [{ taps: ["blocks.0.q", "blocks.1.q", "blocks.0.q"] }, 'Cannot tap "blocks.0.q" as it must be named once'],
  [{ patches: ["blocks.0.v", "blocks.0.v"] }, 'Cannot patch "blocks.0.v" as it must be named once'],
  [{ steer: [1, 1] }, 'Cannot steer layer "1" as it must be named once'],
  [{ steer: [2] }, "Cannot steer layer 2 as it must lie in [0, 2)"],
  [{ steer: [-1] }, "Cannot steer layer -1 as it must lie in [0, 2)"],
  [{ steerFactors: true }, "Cannot take steering factors as at least one layer must be steered"],
  [{ adapters: [0, 0] }, 'Cannot adapt layer "0" as it must be named once'],
  [{ adapters: [2] }, "Cannot adapt layer 2 as it must lie in [0, 2)"],
  [
    { taps: ["blocks.1.adapter_scale"], adapters: [0] },
    'Cannot tap "blocks.1.adapter_scale" as its layer must have an adapter: current layers are 0',
  ],
  [
    { patches: ["blocks.0.down_out"] },
    'Cannot patch "blocks.0.down_out" as its layer must have an adapter: current layers are none',
  ],
  [
    { taps: ["blocks.1.q_norm"] },
    'Cannot tap "blocks.1.q_norm" as the model must norm its query and key heads: current family is qwen2',
  ],
  [
    { patches: ["blocks.0.k_norm"] },
    'Cannot patch "blocks.0.k_norm" as the model must norm its query and key heads: current family is qwen2',
  ],
  [{ steer: [0.5] }, "Cannot steer layer 0.5 as it must lie in [0, 2)"],
];

Deno.test("checkEdits() refuses wrong edits, naming the site and the rule", () => {
  for (const [edits, message] of WRONG) assertThrows(() => checkEdits(edits, config), RangeError, message);
});

Deno.test("checkEdits() fills what is left out and sorts layers", () => {
  assertEquals(checkEdits({}, config), {
    taps: [],
    patches: [],
    steer: [],
    steerFactors: false,
    headMasks: false,
    operators: null,
    place: "mlp",
    asPublished: false,
    lastBlock: null,
    adapters: [],
    ablation: null,
  });
  assertEquals(checkEdits({ steer: [1, 0] }, config).steer, [0, 1]);
  assertEquals(checkEdits({ adapters: [1, 0] }, config).adapters, [0, 1]);
});

Deno.test("siteShape() gives a shape for every kind", () => {
  const shapes = Object.fromEntries(
    ALL_KINDS.map((kind) => [kind, siteShape(kind, config).join()]),
  );
  const embed = "batch,seq,32", query = "batch,seq,4,16", key = "batch,seq,2,16";
  assertEquals(shapes, {
    resid_pre: embed,
    input_norm: embed,
    q: query,
    k: key,
    v: key,
    attn_weights: "batch,4,seq,seq",
    head_out: query,
    attn_out: embed,
    resid_mid: embed,
    post_attention_norm: embed,
    mlp_out: embed,
    resid_post: embed,
    q_norm: query,
    k_norm: key,
    down_out: embed,
    adapter_scale: "batch,seq",
  });
});

const weights = (g: GraphBuilder) =>
  inputWeights(g, {
    shapes: weightShapes(config),
    compute: "float32",
  });

Deno.test("sequenceGraph() has the outputs that were asked for, and no others", () => {
  const names = (options: Pick<Parameters<typeof sequenceGraph>[0], "edits" | "outputs">) =>
    sequenceGraph({ config, weights, ...options }).outputs.map((output) => output.name);
  assertEquals(names({ outputs: { logits: true } }), ["logits"]);
  assertEquals(names({ outputs: { logProbs: true } }), ["log_probs"]);
  assertEquals(names({ edits: { taps: ["blocks.1.k"] }, outputs: {} }), ["tap.blocks.1.k"]);
  assertEquals(names({ edits: { steer: [0] }, outputs: { steeringAdjoint: true } }), ["steering_adjoint"]);
});

Deno.test("sequenceGraph() without logits does not unembed", () => {
  const graph = sequenceGraph({ config, weights, edits: { taps: ["blocks.1.k"] }, outputs: {} });
  assertEquals(graph.nodes.some((node) => node.name.startsWith("unembed")), false);
});

Deno.test("sequenceGraph() refuses steering adjoints without a steered layer, and a graph without outputs", () => {
  assertThrows(
    () => sequenceGraph({ config, weights, outputs: { steeringAdjoint: true } }),
    RangeError,
    "Cannot give steering adjoints as at least one layer must be steered",
  );
  assertThrows(() => sequenceGraph({ config, weights, outputs: {} }), RangeError, "must have an output");
});

Deno.test("run() refuses a patch of another shape, naming its site", () =>
  withTinyModel(async (model) => {
    const patches = new Map([["blocks.0.q" as const, { value: zeros("float32", [1, 3, 2, 16]) }]]);
    await assertRejects(
      () => model.run([[1, 2, 3]], { patches }),
      RangeError,
      'patch "blocks.0.q" as its value must be [1, 3, 4, 16], or 1 in place of any of these: current shape is [1, 3, 2, 16]',
    );
    const value = zeros("float32", [1, 3, 4, 16]);
    await assertRejects(
      () =>
        model.run([[1, 2, 3]], {
          patches: new Map([["blocks.0.q" as const, { value, mask: zeros("bool", [1, 4]) }]]),
        }),
      RangeError,
      'patch "blocks.0.q" as its mask must be [1, 3], or 1 in place of any of these: current shape is [1, 4]',
    );
  }));
