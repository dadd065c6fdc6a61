import { assertEquals } from "@std/assert";
import { elementCount, RandomStream, type Tensor, tensor } from "../../lib/core/mod.ts";
import { backward } from "../../lib/adjoint/mod.ts";
import { GraphBuilder, type Shape, type Value } from "../../lib/onnx/mod.ts";
import { numbersOf, withSession } from "../onnx/_run_graph.ts";
import { assertClose } from "../tolerances.ts";

/** A float64 input of a function under test: its symbolic shape, the real one, and its values. */
export interface CaseInput {
  readonly dims: Shape;
  /** @default the numbers of `dims` */
  readonly shape?: readonly number[];
  /** @default standard normal numbers */
  readonly values?: readonly number[];
}

/** A function y = f(inputs) in float64, built of the operation under test. */
export interface AdjointCase {
  readonly name: string;
  readonly inputs: readonly CaseInput[];
  readonly build: (g: GraphBuilder, inputs: readonly Value[]) => Value;
  /** Inputs that `build` declares itself and that nobody differentiates. `@default {}` */
  readonly feeds?: Readonly<Record<string, Tensor>>;
  /** Lengths of symbols that only those inputs have. `@default {}` */
  readonly lengths?: Readonly<Record<string, number>>;
}

const STEP = 1e-5;

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
};

/**
 * Compares the adjoints of every input with central differences in float64, coordinate by coordinate, and checks
 * ⟨Jv, w⟩ = ⟨v, Jᵀw⟩ along a random direction v. The loss is ⟨y, w⟩ for a random w.
 */
export async function checkAdjoint(item: AdjointCase): Promise<void> {
  const random = new RandomStream(7, "adjoint", item.name);
  const shapes = item.inputs.map((input) => input.shape ?? input.dims as readonly number[]);
  const start = item.inputs.map((input, index) =>
    Float64Array.from(
      input.values ?? Array.from({ length: elementCount(shapes[index] ?? []) }, () => random.normal()),
    )
  );
  const g = new GraphBuilder(item.name);
  const inputs = item.inputs.map((input, index) => g.input(`x${index}`, "float64", input.dims));
  const y = item.build(g, inputs);
  const w = g.input("w", "float64", y.dims);
  const weighted = g.mul(y, w);
  const loss = y.dims.length === 0
    ? weighted
    : g.reduce("sum", weighted, { axes: y.dims.map((_, axis) => axis) });
  const adjoints = backward(g, { loss, of: inputs });
  adjoints.forEach((adjoint, index) => {
    assertEquals([adjoint.dtype, ...adjoint.dims], ["float64", ...item.inputs[index]?.dims ?? []], item.name);
    g.output(`adjoint${index}`, adjoint);
  });
  g.output("y", y);
  await withSession(g.build(), async (session) => {
    const lengths = new Map(Object.entries(item.lengths ?? {}));
    item.inputs.forEach(({ dims }, i) =>
      dims.forEach((dim, axis) => typeof dim === "string" && lengths.set(dim, shapes[i]?.[axis] as number))
    );
    const yShape = y.dims.map((dim) =>
      typeof dim === "number" ? dim : lengths.get(dim) ?? product(dim, lengths)
    );
    const weights = Float64Array.from({ length: elementCount(yShape) }, () => random.normal());
    const run = (at: readonly Float64Array[]) =>
      session.run({
        ...Object.fromEntries(at.map((data, i) => [`x${i}`, tensor("float64", shapes[i] as number[], data)])),
        ...item.feeds,
        w: tensor("float64", yShape, weights),
      });
    const out = await run(start);
    const yAt = async (move: (input: number, element: number) => number) =>
      numbersOf((await run(start.map((data, i) => data.map((value, k) => value + move(i, k)))))["y"]);
    const slope = async (move: (input: number, element: number) => number): Promise<number> => {
      const up = await yAt((i, k) => STEP * move(i, k)), down = await yAt((i, k) => -STEP * move(i, k));
      return dot(up.map((value, index) => value - (down[index] as number)), weights) / (2 * STEP);
    };
    let projected = 0, squares = 0;
    const drawn = start.map((data) => data.map(() => random.normal()));
    const norm = Math.sqrt(drawn.reduce((sum, part) => sum + dot(part, part), 0));
    const direction = drawn.map((part) => part.map((value) => value / norm));
    for (const [i, data] of start.entries()) {
      const actual = numbersOf(out[`adjoint${i}`]);
      const expected: number[] = [];
      for (let k = 0; k < data.length; k++) {
        expected.push(await slope((j, m) => (j === i && m === k ? 1 : 0)));
      }
      try {
        assertClose(actual, expected, "adjointFloat64");
      } catch (error) {
        throw new Error(`${item.name}, input ${i}: ${(error as Error).message}`);
      }
      projected += dot(actual, direction[i] as Float64Array);
      squares += dot(actual, actual);
    }
    const along = await slope((i, k) => direction[i]?.[k] as number);
    // Beside |Jᵀw|, the largest that ⟨v, Jᵀw⟩ can be: a direction that is nearly at right angles leaves little of it.
    const largest = Math.sqrt(squares);
    assertClose([projected, largest], [along, largest], "adjointFloat64");
  });
}

function product(dim: string, lengths: ReadonlyMap<string, number>): number {
  return dim.split("*").reduce((count, part) => count * (lengths.get(part) ?? Number(part)), 1);
}
