import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { AdamW, clipToNorm, globalNorm, type Parameters } from "../../lib/train/mod.ts";
import { golden } from "../checkpoint/_folder.ts";
import { assertClose } from "../tolerances.ts";

type Flat = readonly (readonly number[])[];

interface Golden {
  readonly cases: Readonly<
    Record<string, {
      readonly betas: readonly [number, number];
      readonly epsilon: number;
      readonly rates: readonly number[];
      readonly decays: readonly number[];
      readonly start: Flat;
      readonly steps: readonly { readonly factor: number; readonly adjoints: Flat; readonly values: Flat }[];
    }>
  >;
  readonly clips: readonly {
    readonly maxNorm: number;
    readonly before: Flat;
    readonly norm: number;
    readonly after: Flat;
  }[];
}

const GOLDEN = await golden<Golden>("adamw.json");

/** Parameters "0", "1", … in float32. */
const named = (values: Flat): Map<string, Float32Array> =>
  new Map(values.map((flat, index) => [String(index), Float32Array.from(flat)]));

for (const [name, entry] of Object.entries(GOLDEN.cases)) {
  Deno.test(`AdamW.step() takes the steps of PyTorch: ${name}`, () => {
    const parameters = named(entry.start);
    const optimizer = new AdamW(parameters, {
      betas: entry.betas,
      epsilon: entry.epsilon,
      weightDecay: (parameter) => entry.decays[Number(parameter)] as number,
    });
    for (const { factor, adjoints, values } of entry.steps) {
      optimizer.step(named(adjoints), {
        learningRate: (parameter) => factor * (entry.rates[Number(parameter)] as number),
      });
      values.forEach((flat, index) =>
        assertClose(parameters.get(String(index)) as Float32Array, flat, "operatorFloat32")
      );
    }
    assertEquals(optimizer.state.step, entry.steps.length);
  });
}

Deno.test("AdamW.step() moves by the learning rate against the adjoint's sign at first, and not at rate 0", () => {
  const parameters = new Map([["w", Float32Array.of(1, 1, 1, 1)]]);
  const optimizer = new AdamW(parameters);
  const adjoints = new Map([["w", Float32Array.of(100, -1e-3, 0, 7)]]);
  new AdamW(parameters).step(adjoints, { learningRate: 0 });
  assertEquals(parameters.get("w"), Float32Array.of(1, 1, 1, 1));
  optimizer.step(adjoints, { learningRate: 0.25 });
  const [a, b, c, d] = parameters.get("w") as Float32Array;
  assertAlmostEquals(a as number, 0.75, 1e-6);
  assertAlmostEquals(b as number, 1.25, 1e-5);
  assertEquals(c, 1);
  assertAlmostEquals(d as number, 0.75, 1e-6);
});

Deno.test("AdamW.step() decays a parameter by rate · decay even where nothing pulls at it", () => {
  const parameters = new Map([["kept", Float32Array.of(2)], ["decayed", Float32Array.of(2)]]);
  const optimizer = new AdamW(parameters, { weightDecay: (name) => name === "decayed" ? 0.5 : 0 });
  const none: Parameters = new Map([["kept", Float32Array.of(0)], ["decayed", Float32Array.of(0)]]);
  optimizer.step(none, { learningRate: 0.1 });
  assertEquals(parameters.get("kept"), Float32Array.of(2));
  assertEquals(parameters.get("decayed"), Float32Array.of(2 - 0.1 * 0.5 * 2));
});

Deno.test("AdamW goes on from a state to the same bytes as without a break", () => {
  const steps = GOLDEN.cases["by_parameter"]?.steps ?? [];
  const start = named(GOLDEN.cases["by_parameter"]?.start ?? []);
  const copy = (parameters: Parameters) =>
    new Map([...parameters].map(([name, values]) => [name, values.slice()]));
  const whole = copy(start), parts = copy(start);
  const unbroken = new AdamW(whole);
  let resumed = new AdamW(parts);
  for (const [index, { adjoints }] of steps.entries()) {
    unbroken.step(named(adjoints), { learningRate: 0.1 });
    if (index === 2) {
      const { step, first, second } = resumed.state;
      resumed = new AdamW(parts, { state: { step, first: copy(first), second: copy(second) } });
    }
    resumed.step(named(adjoints), { learningRate: 0.1 });
  }
  assert(steps.length > 3);
  assertEquals(parts, whole);
  assertEquals(resumed.state, unbroken.state);
});

Deno.test("AdamW refuses adjoints and states that do not fit, by name", () => {
  const parameters = new Map([["w", new Float32Array(3)]]);
  const optimizer = new AdamW(parameters);
  assertThrows(
    () => optimizer.step(new Map([["w", new Float32Array(2)]]), { learningRate: 1 }),
    RangeError,
    'Cannot update "w" as its adjoint must have 3 values: got 2',
  );
  assertThrows(() => optimizer.step(new Map(), { learningRate: 1 }), RangeError, "got undefined");
  const state = new AdamW(new Map([["w", new Float32Array(4)]])).state;
  assertThrows(
    () => new AdamW(parameters, { state }),
    RangeError,
    'Cannot resume AdamW as "w" must have 3 moments: got 4',
  );
});

Deno.test("clipToNorm() equals PyTorch's clip, below and above the bound", () => {
  assertEquals(GOLDEN.clips.map(({ norm, maxNorm }) => norm > maxNorm), [true, true, false]);
  for (const { maxNorm, before, norm, after } of GOLDEN.clips) {
    const adjoints = named(before);
    assertClose([globalNorm(adjoints)], [norm], "operatorFloat32");
    assertClose([clipToNorm(adjoints, maxNorm)], [norm], "operatorFloat32");
    after.forEach((flat, index) =>
      assertClose(adjoints.get(String(index)) as Float32Array, flat, "operatorFloat32")
    );
  }
});

Deno.test("clipToNorm() divides by (norm + 1e-6) / bound, across all parameters", () => {
  const adjoints = new Map([["a", Float32Array.of(3)], ["b", Float32Array.of(0, -4)]]);
  assertEquals(clipToNorm(adjoints, 2), 5);
  const scale = 2 / (5 + 1e-6);
  assertEquals(adjoints.get("a"), Float32Array.of(3 * scale));
  assertEquals(adjoints.get("b"), Float32Array.of(0, -4 * scale));
});

Deno.test("clipToNorm() leaves adjoints within the bound to the bit", () => {
  const adjoints = new Map([["a", Float32Array.of(0.1, 0.2)]]);
  clipToNorm(adjoints, 1);
  assertEquals(adjoints.get("a"), Float32Array.of(0.1, 0.2));
  const none = new Map([["a", new Float32Array(2)]]);
  assertEquals(clipToNorm(none, 1), 0);
  assertEquals(none.get("a"), new Float32Array(2));
});
