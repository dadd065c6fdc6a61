import type { Treatment } from "./treatment.ts";
import type { RunName, ZooModel } from "./zoo_model.ts";

/** Every training seed of a named run, or the treatments themselves. */
export async function treatmentsOf(
  zoo: ZooModel,
  run: RunName | readonly Treatment[],
): Promise<readonly Treatment[]> {
  return typeof run === "string" ? await zoo.trained(run) : run;
}

/** A treatment's name, and what a condition is called where that is another. */
export function told(name: string, label: string | undefined): readonly string[] {
  return label === undefined || label === name ? [name] : [name, `(${label})`];
}

/** Names of all that treatments are made of, each once. */
export function inputNames(treatments: readonly Treatment[]): readonly string[] {
  return [...new Set(treatments.flatMap(({ inputs }) => Object.keys(inputs)))];
}
