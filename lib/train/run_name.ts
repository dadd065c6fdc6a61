import { VECTOR_PLACES, type VectorPlace } from "../probe/mod.ts";
import type { SteeringConfig, TrainedKind } from "./steering_config.ts";

/** What an RL run trains, and where. */
export interface RunTarget {
  /** What is trained. */
  readonly parameters: TrainedKind;
  /** Layers that are trained together; none where every weight is trained. */
  readonly layers: readonly number[];
  /** Where in their blocks vectors are added; `mlp` for all that is no vector. */
  readonly place: VectorPlace;
  /** What completions are rewarded for. `@default "right"` */
  readonly reward?: "random";
}

/**
 * The name of an RL run in a model of `layerCount` layers, as files are called: `all`, `layer-3`, `layers-3-5`,
 * `place-attention-3`, `adapter-all`, `adapter-3`, `rank1-all`, `rank1-place-attention-3-5`, `full`; with random rewards
 * `random-all`, `random-layer-3`.
 */
export function runName(
  config: Pick<SteeringConfig, "layers" | "parameters" | "place" | "reward">,
  options: { readonly layerCount: number },
): string {
  const { reward, ...rest } = config;
  if (reward === "random") return `random-${runName(rest, options)}`;
  const { layers, parameters, place = "mlp" } = config;
  if (parameters === "full") return "full";
  const every = layers.length === options.layerCount;
  const which = every ? "all" : layers.join("-");
  if (parameters !== undefined) return `${parameters}-${place === "mlp" ? "" : `place-${place}-`}${which}`;
  if (place !== "mlp") return `place-${place}-${which}`;
  return every ? "all" : `layer${layers.length > 1 ? "s" : ""}-${which}`;
}

/**
 * What the name of an RL run says, the inverse of {@link runName}; null for a name that no run of a model of
 * `layerCount` layers has.
 */
export function parseRunName(name: string, options: { readonly layerCount: number }): RunTarget | null {
  if (name.startsWith("random-")) {
    const target = parseRunName(name.slice("random-".length), options);
    return target?.parameters === "vectors" && target.reward === undefined
      ? { ...target, reward: "random" }
      : null;
  }
  if (name === "full") return { parameters: "full", layers: [], place: "mlp" };
  const parts = /^(?:(adapter|rank1)-|layers?-)?(?:place-([a-z_]+)-)?(all|\d+(?:-\d+)*)$/.exec(name);
  const place = VECTOR_PLACES.find((known) => known === (parts?.[2] ?? "mlp"));
  if (parts === null || place === undefined) return null;
  const parameters = (parts[1] ?? "vectors") as TrainedKind, which = parts[3] as string;
  const layers = which === "all"
    ? Array.from({ length: options.layerCount }, (_, layer) => layer)
    : which.split("-").map(Number);
  const target = { parameters, layers, place };
  if (layers.some((layer) => layer >= options.layerCount)) return null;
  // Only the name that the run's own files have: neither "layer-all", nor "layer-05", nor a list of every layer.
  const kind = parameters === "vectors" || parameters === "full" ? {} : { parameters };
  return runName({ layers, place, ...kind }, options) === name ? target : null;
}
