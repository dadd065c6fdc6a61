/**
 * What the machine can do at most: square matrix products, and arrays read and written.
 *
 * @module
 */
import { RandomStream, tensor } from "../../lib/core/mod.ts";
import { GraphBuilder } from "../../lib/onnx/mod.ts";
import { Session } from "../../lib/runtime/mod.ts";
import { benchSetting } from "./_setting.ts";

const setting = await benchSetting();
const { scratch, threads, sizes } = setting;
const GROUP = "rates of the machine";
const REPEATS = 8;

// The right factor is a constant of the graph, as weights are, so that it is laid out once for the kernels; only a
// sum leaves the graph, so that no time goes into carrying the product out.
for (const width of sizes.products) {
  const location = `factor-${width}.bin`;
  const stream = new RandomStream(0, "rates", width);
  const factor = Float32Array.from(
    { length: width * width },
    () => (2 * stream.uniform() - 1) * Math.sqrt(3 / width),
  );
  await Deno.writeFile(`${scratch}/${location}`, new Uint8Array(factor.buffer));
  const g = new GraphBuilder(`products_${width}`);
  const x = g.input("x", "float32", [width, width]);
  const weight = g.external("factor", {
    dtype: "float32",
    dims: [width, width],
    location,
    offset: 0,
    length: 4 * width * width,
  });
  let product = x;
  for (let i = 0; i < REPEATS; i++) product = g.matMul(product, weight);
  g.output("sum", g.reduce("sum", product, { axes: [0, 1] }));
  const session = await Session.create(g.build(), { threads, weightsFolder: scratch });
  const feeds = { x: tensor("float32", [width, width], factor) };
  setting.bench(
    {
      name: `float32 products, ${width} × ${width} × ${width}`,
      unit: "GFLOP/s",
      tokens: 0,
      phases: [{ flops: REPEATS * 2 * width ** 3, bytes: 0 }],
    },
    { group: GROUP, fn: async () => void await session.run(feeds) },
  );
}

const bytes = 4 * sizes.copied;
const from = new Float32Array(sizes.copied).fill(1), to = new Float32Array(sizes.copied);
setting.bench(
  { name: "copy by one core", unit: "GB/s", tokens: 0, phases: [{ flops: 0, bytes: 2 * bytes }] },
  { group: GROUP, fn: () => Promise.resolve(to.set(from)) },
);

const g = new GraphBuilder("pass");
let values = g.expand(g.input("x", "float32", [1]), [sizes.copied]);
for (let i = 0; i < REPEATS; i++) values = g.apply("Neg", [values]);
g.output("largest", g.reduce("max", values, { axes: [0] }));
const pass = await Session.create(g.build(), { threads });
setting.bench(
  {
    name: "negation by all threads",
    unit: "GB/s",
    tokens: 0,
    // Written once, read and written by every negation, read once more for the maximum.
    phases: [{ flops: 0, bytes: (2 * REPEATS + 2) * bytes }],
  },
  {
    group: GROUP,
    fn: async () => {
      const { largest } = await pass.run({ x: tensor("float32", [1], [2]) });
      if (largest?.data[0] !== 2) throw new Error("an even number of negations must change nothing");
    },
  },
);
