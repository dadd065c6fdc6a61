import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import {
  evaluate as evaluateModel,
  type EvaluateOptions,
  type Evaluation,
} from "../../../lib/analysis/mod.ts";
import type { LanguageModel, RolloutRequest, SamplingOptions } from "../../../lib/decode/mod.ts";
import {
  answerMessages,
  type Completion,
  type Problem,
  QWEN_MATH_SYSTEM_PROMPT,
  testSet,
  writerSystemPrompt,
} from "../../../lib/problems/mod.ts";
import { type ChainOptions, withChainModel } from "../../train/_tiny_models.ts";

/** Boxes 6 answers of 10: "3" in half of them, every other digit as often as the next. */
const GUESSER: ChainOptions = {
  boxShare: 0.6,
  digitWeights: Array.from({ length: 10 }, (_, digit) => digit === 3 ? 1 / 2 : 1 / 18),
};

const PROBLEMS = testSet("remainder", { size: 12 });
const problem = (answer: string): Problem => ({ ...PROBLEMS[0] as Problem, answer });
const BOX = /^\\boxed\{(\d)\}\.<\|im_end\|>$/;

/** An evaluation with its completions as [evaluation seed][problem][sample] text. */
async function evaluate(
  model: LanguageModel,
  options: EvaluateOptions,
): Promise<Evaluation & { readonly texts: string[][][] }> {
  const heard: Completion[] = [];
  const evaluation = await evaluateModel(model, { ...options, onCompletion: (one) => void heard.push(one) });
  const texts = evaluation.outcomes.map((byProblem) => byProblem.map((bySample) => bySample.map(() => "")));
  const perSeed = heard.length / evaluation.outcomes.length;
  heard.forEach(({ problem: place, sample, text }, at) => {
    texts[Math.floor(at / perSeed)]![place]![sample] = text;
  });
  return { ...evaluation, texts };
}

/** Writes down what goes to the model's sampler from now on. */
function watch(model: LanguageModel) {
  const calls: { readonly requests: readonly RolloutRequest[]; readonly options: SamplingOptions }[] = [];
  const generate = model.generate.bind(model);
  model.generate = (requests, options) => {
    calls.push({ requests, options });
    return generate(requests, options);
  };
  return calls;
}

Deno.test("evaluate() finds the accuracy that the model's weights make by arithmetic", () =>
  withChainModel(GUESSER, async (model) => {
    const problems = [problem("3"), problem("8"), problem("12")];
    const { outcomes } = await evaluate(model, { problems, maxNewTokens: 8, samples: 400, seeds: [0, 1] });
    const expected = [0.6 / 2, 0.6 / 18, 0];
    expected.forEach((share, p) => {
      const results = outcomes.flatMap((byProblem) => byProblem[p] ?? []);
      assertEquals(results.length, 800);
      const measured = results.reduce((sum, right) => sum + right, 0) / results.length;
      // Four standard errors, and exactly none for an answer of two digits.
      assertAlmostEquals(measured, share, 4 * Math.sqrt(share * (1 - share) / 800));
    });
  }));

Deno.test("evaluate() gives texts and outcomes by seed, problem and sample, each text graded by its box", () =>
  withChainModel(GUESSER, async (model) => {
    const result = await evaluate(model, { problems: PROBLEMS, maxNewTokens: 8, samples: 3, seeds: [4, 9] });
    const shape = (nested: readonly (readonly (readonly unknown[])[])[]) =>
      nested.map((byProblem) => byProblem.map((bySample) => bySample.length));
    const expected = new Array(2).fill(new Array(PROBLEMS.length).fill(3));
    assertEquals([shape(result.outcomes), shape(result.texts)], [expected, expected]);
    let boxes = 0, tokens = 0;
    result.texts.forEach((byProblem, seed) =>
      byProblem.forEach((bySample, p) =>
        bySample.forEach((text, sample) => {
          const box = BOX.exec(text)?.[1] ?? null;
          assert(box !== null || text === "<|im_end|>", text);
          assertEquals(result.outcomes[seed]?.[p]?.[sample], box === PROBLEMS[p]?.answer ? 1 : 0);
          boxes += box === null ? 0 : 1;
          tokens += box === null ? 1 : 7; // \, box, ed, {, digit, "}." and the stop token
        })
      )
    );
    assert(boxes > 0 && boxes < 72);
    assertAlmostEquals(result.lengthTokens, tokens / 72, 1e-12);
    assertEquals(result.truncatedShare, 0);
  }));

Deno.test("evaluate() draws other samples under other seeds and for other samples, and the same under the same", () =>
  withChainModel(GUESSER, async (model) => {
    const ask = (seeds: readonly number[]) =>
      evaluate(model, { problems: PROBLEMS, maxNewTokens: 8, samples: 2, seeds });
    const { texts: [zero, one, again] } = await ask([0, 1, 0]);
    assertEquals(again, zero);
    assertNotEquals(one, zero);
    assertNotEquals(zero?.map(([a]) => a), zero?.map(([, b]) => b));
    assertEquals((await ask([1])).texts[0], one);
  }));

Deno.test("evaluate() is the same for every seed and sample when greedy", () =>
  withChainModel(GUESSER, async (model) => {
    const { texts } = await evaluate(model, {
      problems: PROBLEMS,
      maxNewTokens: 8,
      samples: 2,
      seeds: [0, 1],
      temperature: 0,
    });
    for (const text of texts.flat(2)) assertEquals(text, "\\boxed{3}.<|im_end|>");
  }));

Deno.test("evaluate() puts the prefix after the prompt and grades it with the answer", () =>
  withChainModel(GUESSER, async (model) => {
    const calls = watch(model);
    const { texts, outcomes, lengthTokens } = await evaluate(model, {
      problems: [problem("3"), problem("4")],
      maxNewTokens: 8,
      temperature: 0,
      answerPrefix: "\\boxed{",
    });
    const tokenizer = await model.tokenizer();
    const [first] = calls[0]?.requests ?? [];
    const prompt = tokenizer.encodeChat(answerMessages((PROBLEMS[0] as Problem).question));
    assertEquals(first?.tokens, [...prompt, ...tokenizer.encode("\\boxed{")]);
    assertEquals(texts, [[["\\boxed{3}.<|im_end|>"], ["\\boxed{3}.<|im_end|>"]]]);
    assertEquals(outcomes, [[[1], [0]]]);
    assertEquals(lengthTokens, 3); // the prefix is not generated
  }));

Deno.test("evaluate() asks with the system prompt that it is given", () =>
  withChainModel(GUESSER, async (model) => {
    const calls = watch(model), system = writerSystemPrompt("careful");
    await evaluate(model, { problems: [problem("3")], maxNewTokens: 8, temperature: 0, system });
    const [first] = calls[0]?.requests ?? [];
    const tokenizer = await model.tokenizer(), { question } = problem("3");
    assertEquals(first?.tokens, tokenizer.encodeChat(answerMessages(question, { system })));
  }));

Deno.test("evaluate() numbers problems by their place, so that two conditions share their uniforms", () =>
  withChainModel(GUESSER, async (model) => {
    const calls = watch(model);
    const shared = { problems: PROBLEMS, maxNewTokens: 8, samples: 2, seeds: [7] };
    const plain = await evaluate(model, shared);
    const steer = new Map([[1, new Float32Array(model.config.embed)]]);
    const steered = await evaluate(model, { ...shared, steer });
    await evaluate(model, { ...shared, answerPrefix: "\\boxed{" });
    assertEquals(steered, plain); // by zeros
    for (const { requests, options } of calls) {
      assertEquals(
        requests.map(({ prompt, sample }) => [prompt, sample]),
        PROBLEMS.flatMap((_, p) => [[p, 0], [p, 1]]),
      );
      assertEquals([options.seed, options.temperature], [7, 1]);
    }
    assertEquals(calls.map(({ options }) => options.steer), [undefined, steer, undefined]);
    // A shift of one place gives a problem the numbers of its neighbour: the same draws, for this model.
    const { texts } = await evaluate(model, { ...shared, problems: PROBLEMS.slice(1) });
    assertEquals(texts[0], plain.texts[0]?.slice(0, -1));
  }));

Deno.test("evaluate() steers: a vector towards the box takes the empty answers away", () =>
  withChainModel(GUESSER, async (model) => {
    // Axis 7 of the chain model pushes the box and nothing else.
    const steer = new Map([[
      0,
      Float32Array.from({ length: model.config.embed }, (_, axis) => axis === 7 ? 2 : 0),
    ]]);
    const { texts } = await evaluate(model, { problems: PROBLEMS, maxNewTokens: 8, samples: 4, steer });
    for (const text of texts.flat(2)) assert(BOX.test(text), text);
  }));

Deno.test("evaluate() counts completions that the length limit cut off, and grades what there is", () =>
  withChainModel(GUESSER, async (model) => {
    const cut = await evaluate(model, { problems: [problem("3")], maxNewTokens: 5, temperature: 0 });
    assertEquals(cut, { outcomes: [[[0]]], texts: [[["\\boxed{3"]]], lengthTokens: 5, truncatedShare: 1 });
    const closed = await evaluate(model, { problems: [problem("3")], maxNewTokens: 6, temperature: 0 });
    assertEquals(closed, {
      outcomes: [[[1]]],
      texts: [[["\\boxed{3}."]]],
      lengthTokens: 6,
      truncatedShare: 1,
    });
  }));

Deno.test("evaluate() takes a count of samples for each problem, and another grader", () =>
  withChainModel(GUESSER, async (model) => {
    const graded: string[][] = [];
    const problems = ["a", "b", "c"].map((answer) => ({ question: "Q?", answer }));
    const result = await evaluate(model, {
      problems,
      maxNewTokens: 8,
      samples: [3, 1, 2],
      seeds: [0, 1],
      grade: (completion, gold) => {
        graded.push([completion, gold]);
        return { correct: gold === "b" };
      },
    });
    assertEquals(result.outcomes, [[[0, 0, 0], [1], [0, 0]], [[0, 0, 0], [1], [0, 0]]]);
    const seen = result.texts.flatMap((byProblem) =>
      byProblem.flatMap((bySample, p) => bySample.map((text) => [text, problems[p]?.answer]))
    );
    assertEquals(graded, seen);
    // A sample is the same whatever the others' counts are.
    const alone = await evaluate(model, { problems, maxNewTokens: 8, samples: 1, seeds: [0, 1] });
    assertEquals(
      alone.texts,
      result.texts.map((byProblem) => byProblem.map((bySample) => bySample.slice(0, 1))),
    );
  }));

Deno.test("evaluate() asks by the template it is given", () =>
  withChainModel(GUESSER, async (model) => {
    const calls = watch(model), tokenizer = await model.tokenizer();
    await evaluate(model, { problems: PROBLEMS, maxNewTokens: 1, template: "qwen_math" });
    const { question } = PROBLEMS[1] as Problem;
    const messages = answerMessages(question, { system: QWEN_MATH_SYSTEM_PROMPT });
    assertEquals(calls[0]?.requests[1]?.tokens, tokenizer.encodeChat(messages));
  }));

Deno.test("evaluate() reports progress over all seeds", () =>
  withChainModel(GUESSER, async (model) => {
    const seen: [number, number][] = [];
    await evaluate(model, {
      problems: PROBLEMS,
      maxNewTokens: 8,
      seeds: [0, 1, 2],
      onProgress: (done, total) => void seen.push([done, total]),
    });
    assertEquals(seen, [[12, 36], [24, 36], [36, 36]]);
  }));

Deno.test("evaluate() refuses to measure nothing, and vectors that do not fit", () =>
  withChainModel(GUESSER, async (model) => {
    const shared = { problems: PROBLEMS, maxNewTokens: 8 };
    for (
      const wrong of [{ problems: [] }, { samples: 0 }, { seeds: [] }, { samples: NaN }, {
        samples: PROBLEMS.map((_, p) => p),
      }]
    ) {
      await assertRejects(
        () => evaluate(model, { ...shared, ...wrong }),
        RangeError,
        "Cannot evaluate as there must be a problem, a sample and a seed",
      );
    }
    await assertRejects(
      () => evaluate(model, { ...shared, samples: [1, 2] }),
      RangeError,
      "current counts are 12 problems and 2 counts",
    );
    await assertRejects(
      () => evaluate(model, { ...shared, steer: new Map([[5, new Float32Array(20)]]) }),
      RangeError,
      "Cannot steer layer 5",
    );
  }));

Deno.test("evaluate() gives a part of the problems the draws that they have in the whole, under their numbers", () =>
  withChainModel(GUESSER, async (model) => {
    const asked = { maxNewTokens: 8, samples: 3, seeds: [4, 9] };
    const whole = await evaluate(model, { ...asked, problems: PROBLEMS }), places = [2, 3, 7];
    const problems = places.map((place) => PROBLEMS[place] as Problem);
    const part = await evaluate(model, { ...asked, problems, numbers: places });
    assertEquals(part.texts, whole.texts.map((texts) => places.map((place) => texts[place] ?? [])));
    assertNotEquals((await evaluate(model, { ...asked, problems })).texts, part.texts);
    for (const numbers of [[0, 1], [0, 1, 1]]) {
      await assertRejects(
        () => evaluate(model, { ...asked, problems, numbers }),
        RangeError,
        "every problem must have a number of its own: current counts are 3 problems and 2 numbers",
      );
    }
  }));
