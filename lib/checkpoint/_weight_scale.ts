/**
 * Mean and standard deviation of a random weight, so that activations stay near 1 however wide the model is, and
 * nothing is at a value that would hide a fault: gains scatter around 1, biases differ from 0.
 */
export function weightScale(
  name: string,
  dims: readonly number[],
): { readonly centre: number; readonly scale: number } {
  if (name.endsWith("norm.weight")) return { centre: 1, scale: 0.2 };
  if (name.endsWith(".bias")) return { centre: 0, scale: 0.3 };
  if (name === "model.embed_tokens.weight") return { centre: 0, scale: 0.5 };
  return { centre: 0, scale: 1 / Math.sqrt(dims[1] as number) };
}
