import { backward } from "../adjoint/mod.ts";
import type { GraphBuilder, Value } from "../onnx/mod.ts";

/**
 * What a backward pass through the blocks reads: everything that the forward pass made of them, or the streams between
 * them alone, from which each block is computed a second time when its turn comes.
 */
export type Recompute = "nothing" | "blocks";

/** A forward pass through the blocks of a decoder, and where a backward pass begins. */
export interface BlocksForward {
  /** The residual stream before the first block and behind each, all of one shape. */
  readonly streams: readonly Value[];
  /** One block over a stream, in any graph inside the one of `streams`. */
  readonly block: (g: GraphBuilder, stream: Value, layer: number) => Value;
  /** A value made of the last stream, and its adjoint. */
  readonly known: readonly [Value, Value];
}

/**
 * Adjoints of values that are added in the blocks, in their order.
 *
 * With x_l the stream before block l and the adjoint of x_{l+1} at hand, `recompute: "blocks"` runs
 *
 *     y = Block_l(x_l),  x̄_l = (∂y/∂x_l)ᵀ x̄_{l+1}
 *
 * inside a loop of one trip: what it makes lives for that trip, and no optimizer finds that it was made before. Of the
 * forward pass only the streams are held: a block's values instead of those of all, for a forward pass more.
 *
 * Source: gradient checkpointing, Chen et al. 2016 (arXiv 1604.06174).
 * Proof: tests/slow/probe/added_adjoints_test.ts, equal to the plain pass.
 *
 * @throws {RangeError} for a value that no block adds.
 */
export function addedAdjoints(
  g: GraphBuilder,
  forward: BlocksForward,
  options: { readonly of: readonly Value[]; readonly recompute: Recompute },
): readonly Value[] {
  const { of, recompute } = options, { streams, block, known } = forward;
  if (recompute === "nothing") return backward(g, { known: [known], of });
  const found = new Map<Value, Value>();
  let [adjoint] = backward(g, { known: [known], of: [streams.at(-1) as Value] }) as [Value];
  for (let layer = streams.length - 2; layer >= 0 && found.size < of.length; layer--) {
    const stream = streams[layer] as Value;
    let added: readonly Value[] = [];
    const [next, ...adjoints] = g.loop({
      name: `adjoint.${layer}`,
      maxSteps: g.constant("int64", [1], [1]),
      steps: "once",
      carried: [{ name: "stream", start: adjoint }],
      body: (body, { carried: [after] }) => {
        const y = block(body, stream, layer);
        added = of.filter((value) => body.nodes.some(({ inputs }) => inputs.includes(value)));
        const more = found.size + added.length < of.length;
        const adjoints = backward(body, {
          known: [[y, after as Value]],
          of: more ? [...added, stream] : added,
        });
        return {
          goOn: body.scalar("bool", 0),
          carried: [more ? adjoints.at(-1) as Value : after as Value],
          collected: adjoints.slice(0, added.length),
        };
      },
    }) as [Value, ...Value[]];
    adjoint = next;
    added.forEach((value, index) => {
      found.set(value, g.gather(adjoints[index] as Value, g.scalar("int64", 0), { axis: 0 }));
    });
  }
  return of.map((value) => {
    const adjoint = found.get(value);
    if (adjoint !== undefined) return adjoint;
    throw new RangeError(`Cannot give the adjoint of "${value.name}" as no block adds it`);
  });
}
