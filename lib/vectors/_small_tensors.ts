import { type ModelConfig, readTensor, type TensorEntry } from "../checkpoint/mod.ts";
import { InputError } from "../core/mod.ts";

/** The layer at the end of a tensor's name (`steering.3`), or null where the name has another form. */
export function layerOf(name: string, prefix: string): number | null {
  if (!name.startsWith(`${prefix}.`)) return null;
  const digits = name.slice(prefix.length + 1);
  return /^(0|[1-9]\d{0,8})$/.test(digits) ? Number(digits) : null;
}

/** Throws an InputError unless a model has the layer; without a model every layer passes. */
export function checkLayer(
  layer: number,
  options: { readonly what: string; readonly where: string; readonly config: ModelConfig | null },
): void {
  const { what, where, config } = options;
  if (config === null || layer < config.layers) return;
  throw new InputError(`${what} for layer ${layer} does not fit a model of ${config.layers} layers`, {
    where,
  });
}

/** Values of a vector of known width (any, where that is null), finite; the InputError names it by `what`. */
export async function readWidth(
  entry: TensorEntry,
  options: {
    readonly what: string;
    readonly where: string;
    readonly width: number | null;
    /** Plural, for the repair: "these vectors". */
    readonly these: string;
  },
): Promise<Float32Array> {
  const { what, where, width, these } = options;
  if (entry.dims.length !== 1 || entry.dims[0] === 0 || (width !== null && entry.dims[0] !== width)) {
    throw new InputError(
      `${what} "${entry.name}" must have shape [${width ?? "embed"}], found [${entry.dims.join(", ")}]`,
      { where, repair: `${these} belong to another model` },
    );
  }
  const values = await readTensor(entry);
  if (!values.every(Number.isFinite)) {
    throw new InputError(`${what} "${entry.name}" holds NaN or infinity`, { where });
  }
  return values;
}

/**
 * Throws a RangeError for what {@link readWidth} and its kin would refuse in a file: no layers, layers that are no whole
 * numbers, widths that are 0 or not one, and values that are not finite. `what` is what is written, in the plural.
 */
export function checkWritable(
  values: ReadonlyMap<number, Float32Array>,
  options: { readonly what: string },
): void {
  const refuse = (must: string, current: unknown): never => {
    throw new RangeError(`Cannot write ${options.what} as ${must}: current value is ${current}`);
  };
  if (values.size === 0) refuse("there must be a layer", "none");
  const [width = 0] = [...values.values()].map(({ length }) => length);
  for (const [layer, vector] of values) {
    if (!(Number.isInteger(layer) && layer >= 0 && layer < 1e9)) {
      refuse("layers must be whole numbers from 0", layer);
    }
    if (vector.length === 0 || vector.length !== width) {
      refuse("they must be of one width above 0", `${vector.length} in layer ${layer}, after ${width}`);
    }
    const infinite = vector.findIndex((value) => !Number.isFinite(value));
    if (infinite >= 0) refuse("values must be finite", `${vector[infinite]} in layer ${layer}`);
  }
}
