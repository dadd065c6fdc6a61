import { assert, assertEquals, assertThrows } from "@std/assert";
import { RandomStream } from "../../lib/core/mod.ts";
import {
  decodeTopK,
  encodeTopK,
  normaliseDecoder,
  sparseAutoencoderStep,
  sparseFit,
} from "../../lib/train/mod.ts";
import { type SparseAutoencoder } from "../../lib/vectors/mod.ts";
import { assertClose } from "../tolerances.ts";

const EMBED = 5, FEATURES = 7, ACTIVE = 3, ROWS = 4;

function random(seed: number): { sae: SparseAutoencoder; rows: Float64Array } {
  const stream = new RandomStream(seed, "autoencoder");
  const draw = (length: number) => Float64Array.from({ length }, () => stream.normal());
  const sae = {
    embed: EMBED,
    features: FEATURES,
    active: ACTIVE,
    encoder: draw(FEATURES * EMBED),
    encoderBias: draw(FEATURES),
    decoder: draw(FEATURES * EMBED),
    decoderBias: draw(EMBED),
  };
  return { sae, rows: draw(ROWS * EMBED) };
}

Deno.test("encodeTopK() keeps the largest pre-activations of a plain matrix product", () => {
  const { sae, rows } = random(1);
  const codes = encodeTopK(sae, rows);
  for (let row = 0; row < ROWS; row++) {
    const sums = Array.from({ length: FEATURES }, (_, f) => {
      let sum = sae.encoderBias[f] as number;
      for (let e = 0; e < EMBED; e++) {
        const centred = (rows[row * EMBED + e] as number) - (sae.decoderBias[e] as number);
        sum += (sae.encoder[f * EMBED + e] as number) * centred;
      }
      return sum;
    });
    const order = [...sums.keys()].sort((a, b) => (sums[b] as number) - (sums[a] as number)).slice(0, ACTIVE);
    assertEquals([...codes.indices.subarray(row * ACTIVE, (row + 1) * ACTIVE)], order);
    assertClose(
      codes.values.subarray(row * ACTIVE, (row + 1) * ACTIVE),
      order.map((f) => Math.max(0, sums[f] as number)),
      "float64Arithmetic",
    );
  }
});

Deno.test("encodeTopK() gives ties to the lower feature and cuts at 0", () => {
  const sae = {
    embed: 1,
    features: 4,
    active: 3,
    encoder: Float64Array.of(1, 2, 2, -1),
    encoderBias: new Float64Array(4),
    decoder: Float64Array.of(1, 1, 1, 1),
    decoderBias: Float64Array.of(1),
  };
  const codes = encodeTopK(sae, [3, 0]); // x − b = 2 and −1
  assertEquals([...codes.indices], [1, 2, 0, 3, 0, 1]);
  assertEquals([...codes.values], [4, 4, 2, 1, 0, 0]);
  assertEquals([...decodeTopK(sae, codes)], [11, 2]);
});

Deno.test("sparseAutoencoderStep() has the adjoints of central differences", () => {
  const { sae, rows } = random(2);
  const { loss, adjoints, residuals } = sparseAutoencoderStep(sae, rows);
  assertClose(
    [loss],
    [residuals.reduce((sum, value) => sum + value * value, 0) / rows.length],
    "float64Arithmetic",
  );
  const step = 1e-5;
  for (const name of ["encoder", "encoderBias", "decoder", "decoderBias"] as const) {
    const values = sae[name];
    const numeric = Array.from(values, (value, at) => {
      const lossAt = (moved: number) => {
        values[at] = moved;
        const result = sparseAutoencoderStep(sae, rows).loss;
        values[at] = value;
        return result;
      };
      return (lossAt(value + step) - lossAt(value - step)) / (2 * step);
    });
    assert(numeric.some((value) => Math.abs(value) > 1e-3), `${name} must matter`);
    assertClose(adjoints[name], numeric, "adjointFloat64");
  }
});

Deno.test("sparseAutoencoderStep() in float32 gives the float64 adjoints rounded", () => {
  const { sae, rows } = random(3);
  const single = {
    ...sae,
    encoder: Float32Array.from(sae.encoder),
    encoderBias: Float32Array.from(sae.encoderBias),
    decoder: Float32Array.from(sae.decoder),
    decoderBias: Float32Array.from(sae.decoderBias),
  };
  const exact = {
    ...sae,
    encoder: Float64Array.from(single.encoder),
    encoderBias: Float64Array.from(single.encoderBias),
    decoder: Float64Array.from(single.decoder),
    decoderBias: Float64Array.from(single.decoderBias),
  };
  const a = sparseAutoencoderStep(single, rows), b = sparseAutoencoderStep(exact, rows);
  assertEquals(a.loss, b.loss);
  assertEquals(a.adjoints.decoder.constructor, Float32Array);
  for (const name of ["encoder", "encoderBias", "decoder", "decoderBias"] as const) {
    assertClose(a.adjoints[name], b.adjoints[name], "operatorFloat32");
  }
});

Deno.test("normaliseDecoder() scales every row to norm 1 and leaves zeros", () => {
  const { sae } = random(4);
  sae.decoder.fill(0, 0, EMBED);
  normaliseDecoder(sae);
  const norms = Array.from(
    { length: FEATURES },
    (_, f) => Math.hypot(...sae.decoder.subarray(f * EMBED, (f + 1) * EMBED)),
  );
  assertClose(norms, [0, 1, 1, 1, 1, 1, 1], "float64Arithmetic");
});

Deno.test("sparseFit() is 0 for predicting the mean and 1 for perfect", () => {
  const rows = Float64Array.of(1, 4, 3, 0, 5, 2); // three rows of two, mean (3, 2)
  const eye = Float64Array.of(1, 0, 0, 1);
  const base = { embed: 2, features: 2, active: 2, decoder: eye, encoderBias: new Float64Array(2) };
  const mean = sparseFit({ ...base, encoder: new Float64Array(4), decoderBias: Float64Array.of(3, 2) }, rows);
  assertEquals([mean.explainedVariance, mean.meanActive, mean.deadFeatures], [0, 0, 2]);
  const perfect = sparseFit({ ...base, encoder: eye, decoderBias: new Float64Array(2) }, rows);
  assertEquals([perfect.explainedVariance, perfect.deadFeatures], [1, 0]);
  assertEquals([...perfect.firingShare], [1, 2 / 3]);
  assertEquals(perfect.meanActive, 5 / 3);
  // Twice the mean's deviation away: error 4 times the variance for a constant at distance; worse than the mean.
  const worse = sparseFit(
    { ...base, encoder: new Float64Array(4), decoderBias: Float64Array.of(0, 0) },
    rows,
  );
  assertClose([worse.explainedVariance as number], [1 - 55 / 16], "float64Arithmetic");
  assertEquals(
    sparseFit({ ...base, encoder: eye, decoderBias: new Float64Array(2) }, Float64Array.of(1, 1))
      .explainedVariance,
    null,
  );
});

Deno.test("sparseFit() of many rows equals that of its parts", () => {
  const { sae } = random(5);
  const stream = new RandomStream(6, "rows");
  const rows = Float64Array.from({ length: 2500 * EMBED }, () => stream.normal()); // more than two chunks
  const codes = encodeTopK(sae, rows), rebuilt = decodeTopK(sae, codes);
  const means = Array.from(
    { length: EMBED },
    (_, e) => rows.reduce((sum, x, at) => at % EMBED === e ? sum + x : sum, 0) / 2500,
  );
  const error = rows.reduce((sum, x, at) => sum + (x - (rebuilt[at] as number)) ** 2, 0);
  const total = rows.reduce((sum, x, at) => sum + (x - (means[at % EMBED] as number)) ** 2, 0);
  const fit = sparseFit(sae, rows);
  // Sums of 12,500 squares in another order.
  assert(Math.abs((fit.explainedVariance as number) - (1 - error / total)) < 1e-10);
  assertEquals(fit.firingShare.reduce((sum, share) => sum + share, 0).toFixed(9), fit.meanActive.toFixed(9));
});

Deno.test("the autoencoder refuses arrays that do not fit", () => {
  const { sae, rows } = random(7);
  assertThrows(() => encodeTopK({ ...sae, encoder: new Float64Array(3) }, rows), RangeError, "encoder 3");
  assertThrows(() => encodeTopK({ ...sae, active: 8 }, rows), RangeError, "8 of them active");
  assertThrows(() => encodeTopK(sae, rows.subarray(1)), RangeError, "there are 19 in all");
  assertThrows(() => sparseAutoencoderStep(sae, []), RangeError, "current count is 0");
  assertThrows(
    () => decodeTopK({ ...sae, active: 2 }, encodeTopK(sae, rows)),
    RangeError,
    "current count is 3",
  );
  assertThrows(() => sparseFit(sae, new Float64Array(0)), RangeError, "current count is 0");
});
