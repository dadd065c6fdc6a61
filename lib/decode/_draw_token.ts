import type { GraphBuilder, Value } from "../onnx/mod.ts";

/**
 * The two factors of a vocabulary that lie nearest to each other, as a number of blocks and their width. Of two orders
 * the one whose width is a multiple of four is taken: such rows begin where vectors of the CPU do.
 */
export function blocksOf(vocab: number): { readonly count: number; readonly width: number } {
  let small = Math.floor(Math.sqrt(vocab));
  while (vocab % small !== 0) small--;
  const large = vocab / small;
  return small % 4 === 0 && large % 4 !== 0 ? { count: large, width: small } : { count: small, width: large };
}

/**
 * Draws one token per row by inverting the running sum of probabilities [batch, vocab] at a uniform [batch, 1]:
 * int64 [batch].
 *
 * The running sum is taken in two levels: over blocks of tokens, as many as they are long where the vocabulary has such
 * factors, then within the block that holds the drawn point. A GPU's running sum does work that grows with the square of
 * its length (10^10 additions per row over 150,000 tokens, 10^5 in two levels), and a short sum also rounds less.
 *
 * What is drawn, with C the running sum of blocks, T its last value and c the running sum within a block:
 *
 *     block j = #{k : C_k ≤ u·T and C_k < T}
 *     token   = j·width + #{i : c_i ≤ u·T − C_{j−1} and c_i < c_last}
 *
 * In exact arithmetic that is the token whose interval [s_{t−1}, s_t) of the plain running sum holds u·T. Rounding
 * can move a point that lies within a few roundings of an interval's end into a neighbour; the two conditions on T
 * and c_last keep it inside the block and on a token of positive probability even then.
 */
export function drawToken(
  g: GraphBuilder,
  probabilities: Value,
  options: { readonly uniform: Value },
): Value {
  const [batch, vocab] = probabilities.dims as [string, number];
  const { count, width } = blocksOf(vocab);
  const blocks = g.reshape(probabilities, [batch, count, width]);
  const runningSum = (x: Value) => g.apply("CumSum", [x], { attributes: { axis: 1 } });
  const last = (x: Value, length: number) => g.slice(x, { axis: 1, start: length - 1, end: length });
  const placesBelow = (sums: Value, at: { readonly point: Value; readonly end: Value }) => {
    const below = g.apply("And", [
      g.apply("LessOrEqual", [sums, at.point]),
      g.apply("Less", [sums, at.end]),
    ]);
    return g.reduce("sum", g.cast(below, "int64"), { axes: [1], keepdims: true }); // [batch, 1]
  };
  const sums = runningSum(g.reduce("sum", blocks, { axes: [2] })); // [batch, blocks]
  const total = last(sums, count);
  const point = g.mul(options.uniform, total);
  const block = placesBelow(sums, { point, end: total });
  const zero = g.scalar("int64", 0);
  const previous = g.apply("Max", [g.sub(block, g.scalar("int64", 1)), zero]);
  const before = g.gatherElements(sums, previous, { axis: 1 });
  const start = g.apply("Where", [
    g.apply("Greater", [block, zero]),
    before,
    g.scalar(probabilities.dtype as "float32", 0),
  ]);
  const rows = g.expand(g.unsqueeze(block, [2]), [batch, 1, width]);
  const chosen = g.gatherElements(blocks, rows, { axis: 1 }); // [batch, 1, width]
  const within = runningSum(g.squeeze(chosen, [1])); // [batch, width]
  const place = placesBelow(within, { point: g.sub(point, start), end: last(within, width) });
  const token = g.add(g.mul(block, g.scalar("int64", width)), place);
  return g.squeeze(token, [1]);
}
