import { assertAlmostEquals, assertEquals } from "@std/assert";
import { metricKind, roundingOf, STUDY_SIZES } from "../../lib/experiment/mod.ts";

Deno.test("roundingOf() lets no count, setting or verdict move", () => {
  const of = roundingOf(STUDY_SIZES.full, { sets: 6 });
  for (const unit of ["layers", "texts", "parameters", "seeds", "parts", "claims", "draws"]) {
    assertEquals([of(unit)?.ofError, of(unit)?.ofSize, of(unit)?.identity], [0, 0, undefined], unit);
  }
  for (const unit of ["index", "verdict"]) {
    assertEquals([of(unit)?.ofError, of(unit)?.ofSize, of(unit)?.identity], [0, 0, true], unit);
  }
  assertEquals(of("furlongs"), null);
});

Deno.test("roundingOf() lets one answer of the fewest fork, by two standard deviations", () => {
  const of = roundingOf(STUDY_SIZES.full, { sets: 6 });
  // One of n answers that comes out otherwise moves their mean by two standard deviations over n at most, for σ/√n.
  assertAlmostEquals(of("%")?.ofError ?? NaN, 2 / Math.sqrt(6 * 16), 1e-12);
  assertAlmostEquals(of("probability")?.ofError ?? NaN, 2 / Math.sqrt(96), 1e-12);
  assertAlmostEquals(
    roundingOf(STUDY_SIZES.quick, { sets: 6 })("cosine")?.ofError ?? NaN,
    2 / Math.sqrt(6),
    1e-12,
  );
});

Deno.test("metricKind() puts together what differs in numbers alone, and accuracies of one item", () => {
  assertEquals(metricKind("accuracy.layer_3", "%"), metricKind("accuracy.base.sampling", "%"));
  assertEquals(
    metricKind("cosine.layer_3.layer_12", "cosine"),
    metricKind("cosine.layer_0.layer_1", "cosine"),
  );
  assertEquals(metricKind("gap_share.v_1", "%") === metricKind("accuracy.v_1", "%"), false);
  assertEquals(metricKind("kl.first", "nats") === metricKind("kl.later", "nats"), false);
});
