import { assertEquals, assertThrows } from "@std/assert";
import { ARCHITECTURES } from "../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../checkpoint/_tiny_config.ts";
import {
  ADAPTER_SITE_KINDS,
  HEAD_NORM_SITE_KINDS,
  parseSite,
  SITE_KINDS,
  siteKindsOf,
  siteName,
} from "../../lib/model/mod.ts";

const options = { layers: 28, action: "tap" };

Deno.test("parseSite() undoes siteName() for every kind", () => {
  for (const kind of [...SITE_KINDS, ...HEAD_NORM_SITE_KINDS, ...ADAPTER_SITE_KINDS]) {
    for (const layer of [0, 9, 27]) {
      assertEquals(parseSite(siteName({ layer, kind }), options), { layer, kind });
    }
  }
});

Deno.test("parseSite() refuses a layer that the model lacks", () => {
  assertThrows(
    () => parseSite("blocks.28.resid_post", options),
    RangeError,
    'Cannot tap "blocks.28.resid_post" as layer must be < 28: current value is 28',
  );
});

Deno.test("parseSite() refuses what is not a site, and lists the kinds", () => {
  const wrong = [
    "blocks.0.hidden",
    "blocks.-1.q",
    "blocks.1.5.q",
    "block.0.q",
    "blocks.0.q ",
    "blocks.0.",
    "",
    "blocks.01e0.q",
  ];
  for (const name of wrong) {
    assertThrows(
      () => parseSite(name, { ...options, action: "patch" }),
      RangeError,
      `Cannot patch "${name}" as a site is blocks.LAYER.KIND with kind resid_pre, input_norm, q, k, v, attn_weights, head_out, ` +
        "attn_out, resid_mid, post_attention_norm, mlp_out, resid_post, q_norm, k_norm, down_out, adapter_scale",
    );
  }
});

Deno.test("parseSite() refuses a layer with leading zeros, since one site has one name", () => {
  assertThrows(() => parseSite("blocks.03.q", options), RangeError, "a site is blocks.LAYER.KIND");
});

Deno.test("siteKindsOf() puts norms of heads behind their projections, in the one family that has them", () => {
  for (const architecture of ARCHITECTURES) {
    const kinds = siteKindsOf(tinyConfig({ architecture }));
    const expected = architecture === "qwen3"
      ? ["resid_pre", "input_norm", "q", "q_norm", "k", "k_norm", ...SITE_KINDS.slice(4)]
      : SITE_KINDS;
    assertEquals([architecture, ...kinds], [architecture, ...expected]);
  }
});
