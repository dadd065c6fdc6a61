import { InputError } from "../core/mod.ts";
import type { ConfigKeys } from "./_config_keys.ts";
import { architectureRow } from "./architecture.ts";

/** Layers of Qwen from this one on have the window where a file does not say. */
const FIRST_WINDOW_LAYER = 28;

/**
 * How many positions attention sees at most, where a class cuts all layers alike; null where it sees all of them.
 * Layers of a class that tells kinds of layer apart may have a window if it spans every position: a block knows one
 * kind of attention.
 */
export function attentionWindow(
  raw: ConfigKeys,
  options: { readonly maxPositions: number; readonly where: string },
): number | null {
  const { maxPositions, where } = options;
  const { layerKinds, defaults } = architectureRow(raw.model_type);
  const layers = raw.num_hidden_layers, types = raw.layer_types ?? null;
  const fault = (what: string) => new InputError(what, { where });
  if (types !== null && types.length !== layers) {
    throw fault(`layer_types must name ${layers} layers: current count is ${types.length} in config.json`);
  }
  const stated = raw.sliding_window === undefined ? defaults.slidingWindow : raw.sliding_window;
  const window = layerKinds
    ? raw.use_sliding_window === true ? stated : null
    : Math.min(stated ?? Infinity, raw.attention_chunk_size ?? Infinity);
  const named = types?.indexOf("sliding_attention") ?? -1;
  if (named >= 0 && (window === null || window === Infinity)) {
    throw fault(
      `"layer_types[${named}]" in config.json: a sliding window of no width is not supported: ` +
        'current value is "sliding_attention"',
    );
  }
  if (window === null || window > maxPositions) return null;
  if (!layerKinds) return window;
  const sliding = types === null ? (raw.max_window_layers ?? FIRST_WINDOW_LAYER) < layers : named >= 0;
  if (!sliding || window === maxPositions) return null;
  throw fault(
    `"use_sliding_window" in config.json: windows narrower than the model's ${maxPositions} positions are not ` +
      `supported in some layers: current values are true and "sliding_window" ${window}`,
  );
}
