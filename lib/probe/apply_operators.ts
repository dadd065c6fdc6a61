import type { ModelConfig } from "../checkpoint/mod.ts";
import { type Tensor, tensor } from "../core/mod.ts";
import { accurateDType, accurateSum, checkLayer, type ComputeDType } from "../model/mod.ts";
import type { GraphBuilder, Value } from "../onnx/mod.ts";

/** What is done to the stream of a layer where its vector is added, after that: a direction is set, the norm kept. */
export interface Operator {
  /** d, [embed], of any length: the component along it becomes `component`. `@default` no direction */
  readonly direction?: Float32Array;
  /** What the component along d/|d| becomes; 0 projects the direction out. `@default 0` */
  readonly component?: number;
  /** Scale what comes of vector and direction to the norm that the stream had before. `@default false` */
  readonly keepNorm?: boolean;
}

/** Operators by layer. Layers that are left out have none. */
export type Operators = ReadonlyMap<number, Operator>;

/** What of operators decides a graph: directions and components are fed. */
export interface OperatorShape {
  /** Layers that have one, in order. */
  readonly layers: readonly number[];
  /** Whether any of them keeps the norm. */
  readonly keepNorm: boolean;
}

/** Names of the inputs that operators add to a graph. */
const OPERATOR_NAMES = {
  /** Directions of length 1, or zeros where there is none, float [layers, embed]. */
  directions: "operator_directions",
  /** Components, float [layers]. */
  components: "operator_components",
  /** Layers that keep the norm, bool [layers]. */
  keepNorm: "operator_keep_norm",
} as const;

/** What of operators of the given layers decides a graph; null without any. */
export function operatorShape(operators: Operators, layers: readonly number[]): OperatorShape | null {
  if (layers.length === 0) return null;
  return { layers, keepNorm: [...operators.values()].some(({ keepNorm }) => keepNorm === true) };
}

/** Checks operators against a model; throws a RangeError that names the layer and what is wrong. */
export function checkOperators(operators: Operators, config: Pick<ModelConfig, "layers" | "embed">): void {
  const { layers, embed } = config;
  for (const [layer, { direction, component = 0, keepNorm = false }] of operators) {
    checkLayer(layer, { layers, action: "operate on" });
    const fault = direction !== undefined && direction.length !== embed
      ? `its direction must have ${embed} values: current count is ${direction.length}`
      : direction !== undefined && !(Math.hypot(...direction) > 0 && Math.hypot(...direction) < Infinity)
      ? `its direction must be longer than 0 and finite: current length is ${Math.hypot(...direction)}`
      : !Number.isFinite(component)
      ? `its component must be finite: current value is ${component}`
      : direction === undefined && (component !== 0 || !keepNorm)
      ? "it must have a direction or keep the norm: current value is neither"
      : null;
    if (fault !== null) throw new RangeError(`Cannot operate on layer ${layer} as ${fault}`);
  }
}

/**
 * What a graph with operators of the given layers is fed, by input name; layers without one are left as they are.
 */
export function operatorFeeds(
  operators: Operators,
  options: { readonly layers: readonly number[]; readonly embed: number },
): Readonly<Record<string, Tensor>> {
  const { layers, embed } = options, shape = operatorShape(operators, layers);
  if (shape === null) return {};
  const directions = new Float32Array(layers.length * embed);
  layers.forEach((layer, row) => {
    const direction = operators.get(layer)?.direction ?? [], length = Math.hypot(...direction);
    directions.set(Array.from(direction, (value) => value / length), row * embed);
  });
  const byLayer = (of: (operator: Operator) => number) =>
    layers.map((layer) => of(operators.get(layer) ?? {}));
  const numbers = byLayer(({ component = 0 }) => component);
  const kept = byLayer(({ keepNorm }) => Number(keepNorm === true));
  return {
    [OPERATOR_NAMES.directions]: tensor("float32", [layers.length, embed], directions),
    [OPERATOR_NAMES.components]: tensor("float32", [layers.length], numbers),
    ...(shape.keepNorm ? { [OPERATOR_NAMES.keepNorm]: tensor("bool", [layers.length], kept) } : {}),
  };
}

/** Keeps a norm of 0 from being divided by. */
const TINY = 1e-30;

/**
 * Adds the inputs of operators to a graph and returns what applies that of a layer to the stream h, the sum of x and
 * its vector; d is of length 1, or zero where the layer has no direction, and f the steering factor of a position:
 *
 *     h ← h + f·(c − h·d)·d,   then where the norm is kept  h ← h·|x| / |h|
 *
 * In a 16-bit graph all of it is a float32 island.
 * Source: c = 0 is the directional ablation of Arditi et al. 2024 (arXiv 2406.11717).
 */
export function applyOperators(
  g: GraphBuilder,
  shape: OperatorShape | null,
  options: { readonly embed: number; readonly compute: ComputeDType },
): (
  inner: GraphBuilder,
  layer: number,
  /** x, h, and f as [batch, seq, 1] or null for 1 everywhere. */
  of: { readonly before: Value; readonly stream: Value; readonly factors: Value | null },
) => Value {
  if (shape === null) return (_, __, { stream }) => stream;
  const { embed, compute } = options, accurate = accurateDType(compute), count = shape.layers.length;
  const directions = g.input(OPERATOR_NAMES.directions, accurate, [count, embed]);
  const components = g.input(OPERATOR_NAMES.components, accurate, [count]);
  const keeps = shape.keepNorm ? g.input(OPERATOR_NAMES.keepNorm, "bool", [count]) : null;
  const row = (values: Value, layer: number) =>
    g.gather(values, g.scalar("int64", shape.layers.indexOf(layer)), { axis: 0 });
  return (inner, layer, { before, stream, factors }) => {
    if (!shape.layers.includes(layer)) return stream;
    return inner.within("operator", () => {
      const direction = row(directions, layer), h = inner.cast(stream, accurate);
      const along = inner.matMul(h, inner.unsqueeze(direction, [1])); // [batch, seq, 1]
      const missing = inner.sub(row(components, layer), along);
      const step = factors === null ? missing : inner.mul(factors, missing);
      const turned = accurateSum(inner, h, { added: inner.mul(step, direction) });
      if (keeps === null) return inner.cast(turned, stream.dtype);
      const norm = (x: Value) =>
        inner.apply("Sqrt", [
          inner.add(
            inner.reduce("sum", inner.mul(x, x), { axes: [2], keepdims: true }),
            inner.scalar(accurate, TINY),
          ),
        ]);
      const scale = inner.div(norm(inner.cast(before, accurate)), norm(turned)); // [batch, seq, 1]
      const kept = inner.apply("Where", [row(keeps, layer), inner.mul(turned, scale), turned]);
      return inner.cast(kept, stream.dtype);
    });
  };
}
