import { type Tensor, tensor } from "../../lib/core/mod.ts";
import type { AccurateDType } from "../../lib/model/mod.ts";
import { numbersOf } from "../onnx/_run_graph.ts";

/**
 * Targets at every position of rows of one length, [batch, seq], as feeds of a sequence graph: one chunk per row, which
 * is not how a model lays them out. Without weights they are feeds of a graph without adjoints.
 */
export function gridTargets(
  targets: readonly (readonly number[])[],
  weights?: { readonly rows: readonly (readonly number[])[]; readonly compute: AccurateDType },
): Record<string, Tensor> {
  const dims = [targets.length, targets[0]?.length ?? 0];
  return {
    target_places: tensor("int64", dims, targets.flat().map((_, place) => place)),
    targets: tensor("int64", dims, targets.flat()),
    ...(weights === undefined ? {} : {
      target_weights: tensor(weights.compute, dims, weights.rows.flat()) as Tensor,
    }),
  };
}

/** Outputs of a sequence graph, adjoints [layers, batch, width] summed over rows to [layers, width]. */
export function overRows(out: Readonly<Record<string, Tensor>>): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(out).map(([name, value]) => {
      if (!name.endsWith("_adjoint")) return [name, value];
      const [layers, batch, width] = value.dims as [number, number, number];
      const sums = new Float64Array(layers * width);
      numbersOf(value).forEach((number, i) => {
        const at = Math.floor(i / (batch * width)) * width + i % width;
        sums[at] = (sums[at] as number) + number;
      });
      return [name, tensor("float64", [layers, width], sums)];
    }),
  );
}
