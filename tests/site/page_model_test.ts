import { assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { promptTokens } from "../../lib/decode/mod.ts";
import { FIRST_STATE } from "../../site/explorer_state.ts";
import { drawnInPieces, likeliest, PageModel } from "../../site/page_model.ts";
import { tokenShifts } from "../../site/token_shifts.ts";

const MODEL = "fixtures/embedded/base-a", VECTORS = "fixtures/embedded/vectors/base-a";
const QUESTION = "If 3n + 32 = 47, what is n?";

async function withPage(body: (page: PageModel) => Promise<void>): Promise<void> {
  const page = await PageModel.open(MODEL);
  try {
    for (const run of ["all", "layer-6"]) await page.addVectors(run, `${VECTORS}/${run}.seed-0.safetensors`);
    await body(page);
  } finally {
    await page.model.release();
  }
}

Deno.test("an answer that streams in pieces is the answer that is drawn at once, for ten seeds", () =>
  withPage(async ({ model, tokenizer }) => {
    const request = { tokens: promptTokens(tokenizer, QUESTION), prompt: 0, sample: 0 };
    let pieces = 0;
    for (let seed = 0; seed < 10; seed++) {
      const options = { maxNewTokens: 50, seed };
      const [whole] = await model.generate([request], options);
      let drawn: readonly number[] = [];
      for await (const tokens of drawnInPieces(model, request, options)) {
        pieces++;
        drawn = tokens;
      }
      assertEquals(drawn, whole?.tokens);
    }
    assertEquals(pieces > 30, true);
  }));

Deno.test("strengths add up, and a switch of the last block wants the vector that it routes", () =>
  withPage((page) => {
    const { steer } = page.additions({ strengths: { all: 0.5, "layer-6": 2 }, patch: "" });
    const all = page.additions({ strengths: { all: 1 }, patch: "" }).steer?.get(6)?.[0] ?? NaN;
    const alone = page.additions({ strengths: { "layer-6": 1 }, patch: "" }).steer?.get(6)?.[0] ?? NaN;
    assertAlmostEquals(steer?.get(6)?.[0] ?? NaN, 0.5 * all + 2 * alone, 1e-6);
    assertEquals(page.additions({ strengths: {}, patch: "" }).steer?.size, 0);
    assertThrows(
      () => page.additions({ strengths: {}, patch: "skip-attn" }),
      RangeError,
      "the vector of layer 6",
    );
    assertThrows(() => page.additions({ strengths: { all: 1 }, patch: "v:9" }), InputError, "names head 9");
    return Promise.resolve();
  }));

Deno.test("an answer is graded, begins with the opener, and ends where a listener has heard enough", () =>
  withPage(async (page) => {
    const additions = page.additions({ strengths: { all: 1 }, patch: "" });
    const asked = {
      question: QUESTION,
      gold: "5",
      additions,
      state: { ...FIRST_STATE, opener: "To", temperature: 0 },
    };
    const answer = await page.answer(asked);
    assertEquals([answer.text.startsWith("To"), answer.given, answer.verdict?.correct], [true, 1, true]);
    assertEquals((await page.answer({ ...asked, gold: null })).verdict, null);
    const cut = await page.answer({ ...asked, onTokens: () => false });
    assertEquals(cut.tokens, answer.tokens.slice(0, cut.tokens.length));
    assertEquals(cut.tokens.length < answer.tokens.length, true);
  }));

Deno.test("the lens of the last block is the model's own next token, and attention sums to 1", () =>
  withPage(async (page) => {
    const tokens = [
      ...promptTokens(page.tokenizer, QUESTION),
      ...page.tokenizer.encode("To begin, 47 - 32 ="),
    ];
    const { layers, heads } = page.model.config, last = tokens.length - 1;
    const plain = await page.read(tokens, {}),
      additions = page.additions({ strengths: { all: 1 }, patch: "" });
    const steered = await page.read(tokens, additions);
    for (const reading of [plain, steered]) {
      const lens = page.lens(reading, last), next = page.next(reading, last);
      assertEquals(lens.length, layers);
      for (const { token, probability } of likeliest(next, 5)) {
        assertAlmostEquals(lens.at(-1)?.[token] ?? NaN, probability, 1e-5);
      }
      for (let head = 0; head < heads; head++) {
        const row = reading.attention[2]?.subarray((head * tokens.length + last) * tokens.length).subarray(
          0,
          tokens.length,
        );
        assertAlmostEquals(row?.reduce((a, b) => a + b, 0) ?? NaN, 1, 1e-5);
      }
    }
    assertEquals(plain.residuals[3]?.[0] === steered.residuals[3]?.[0], false);
    const patched = await page.read(tokens, page.additions({ strengths: { all: 1 }, patch: "skip-attn" }));
    assertEquals([patched.attention[layers - 2] === null, patched.attention[layers - 1]], [false, null]);
  }));

Deno.test("tokenShifts() reads the row before each token: no change without vectors", () =>
  withPage(async (page) => {
    const prompt = promptTokens(page.tokenizer, QUESTION), tokens = page.tokenizer.encode("To begin");
    const text = [...prompt, ...tokens], { vocab } = page.model.config;
    const base = await page.read(text, {}),
      steered = await page.read(text, page.additions({ strengths: { all: 1 }, patch: "" }));
    const at = { vocab, tokens, prompt: prompt.length };
    const same = tokenShifts({ base: base.logits, steered: base.logits }, at);
    assertEquals([same.shift.every((value) => value === 0), same.kl.every((value) => value === 0)], [
      true,
      true,
    ]);
    const { shift, kl } = tokenShifts({ base: base.logits, steered: steered.logits }, at),
      [first = -1] = tokens;
    const probability = (reading: typeof base) => page.next(reading, prompt.length - 1)[first] as number;
    assertAlmostEquals(shift[0] ?? NaN, probability(steered) - probability(base), 1e-6);
    assertEquals((shift[0] as number) > 0.3 && (kl[0] as number) > 0, true);
    assertEquals(tokenShifts({ base: base.logits, steered: steered.logits }, { ...at, tokens: [] }), {
      shift: [],
      kl: [],
    });
  }));

Deno.test("a file that is no vectors of this model is refused in one line", () =>
  withPage(async (page) => {
    await assertRejects(() => page.addVectors("x", `${MODEL}/config.json`), InputError);
    await assertRejects(
      () => page.addVectors("x", "fixtures/embedded/vectors/base-a/place-attention-5.seed-0.safetensors"),
      RangeError,
      'place "attention"',
    );
    assertEquals(page.runs, ["all", "layer-6"]);
  }));
