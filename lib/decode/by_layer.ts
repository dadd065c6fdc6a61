import type { ModelConfig } from "../checkpoint/mod.ts";

/** Values by layer: a Map, or a plain object whose keys are layers. */
export type ByLayer<T> = ReadonlyMap<number, T> | Readonly<Record<number, T>>;

/**
 * Values by layer as a map; an empty one for none.
 *
 * @throws {TypeError} for anything else, naming the option.
 */
export function byLayer<T>(values: ByLayer<T> | undefined, option: string): ReadonlyMap<number, T> {
  if (values === undefined) return new Map();
  if (values instanceof Map) return values;
  const plain = typeof values === "object" && values !== null && !Array.isArray(values) &&
    !ArrayBuffer.isView(values);
  const wrong = plain ? Object.keys(values).find((key) => !/^\d+$/.test(key)) : JSON.stringify(values);
  if (wrong !== undefined) {
    throw new TypeError(
      `Cannot read ${option} as it must be a Map or an object keyed by layer: current value has ${wrong}`,
    );
  }
  return new Map(Object.entries(values).map(([layer, value]) => [Number(layer), value as T]));
}

/** Every layer of a model. */
export function allLayers({ layers }: Pick<ModelConfig, "layers">): readonly number[] {
  return Array.from({ length: layers }, (_, layer) => layer);
}
