import { assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { InputError } from "../../lib/core/mod.ts";
import { promptTokens } from "../../lib/decode/mod.ts";
import { answerShifts } from "../../site/answer_shifts.ts";
import { FIRST_STATE } from "../../site/explorer_state.ts";
import { PageModel } from "../../site/page_model.ts";

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

Deno.test("an answer that streams is the answer that is drawn at once, for ten seeds", () =>
  withPage(async (page) => {
    const request = { tokens: promptTokens(page.tokenizer, QUESTION), prompt: 0, sample: 0 };
    const additions = page.additions({ strengths: { all: 0.5 }, patch: "" });
    let heard = 0;
    for (let seed = 0; seed < 10; seed++) {
      const [whole] = await page.model.generate([request], { maxNewTokens: 64, seed, ...additions });
      const state = { ...FIRST_STATE, seed }, onText = () => void heard++;
      const answer = await page.answer({ question: QUESTION, gold: null, additions, state, onText });
      assertEquals(answer.tokens, whole?.tokens);
    }
    assertEquals(heard > 30, true);
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
    const cut = await page.answer({ ...asked, onText: () => false });
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
      const lens = await page.lens(reading, last), next = page.next(reading, last);
      assertEquals(lens.length, layers);
      next.slice(0, 5).forEach(({ token, probability }, place) => {
        assertEquals(lens.at(-1)?.[place]?.token, token);
        assertAlmostEquals(lens.at(-1)?.[place]?.probability ?? NaN, probability, 1e-5);
      });
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

Deno.test("answerShifts() reads the distribution before each token: no change without vectors", () =>
  withPage(async (page) => {
    const prompt = promptTokens(page.tokenizer, QUESTION), tokens = page.tokenizer.encode("To begin");
    const text = [...prompt, ...tokens], answer = { prompt, tokens };
    const additions = page.additions({ strengths: { "layer-6": 1 }, patch: "" });
    const base = await page.read(text, {}), steered = await page.read(text, additions);
    const { shift, kl } = await answerShifts(page.model, answer, additions);
    tokens.forEach((token, at) => {
      const [p, q] = [base, steered].map((reading) => {
        const next = [...page.next(reading, prompt.length - 1 + at)].sort((a, b) => a.token - b.token);
        return next.map(({ probability }) => probability);
      }) as [number[], number[]];
      const divergence = p.reduce((sum, value, id) => sum + value * Math.log(value / (q[id] as number)), 0);
      assertAlmostEquals(shift[at] as number, (q[token] as number) - (p[token] as number), 1e-5);
      assertAlmostEquals(kl[at] as number, divergence, 1e-5);
    });
    assertEquals(Math.abs(shift[0] as number) > 0.01 && (kl[0] as number) > 0.001, true);
    const none = { shift: tokens.map(() => 0), kl: tokens.map(() => 0) };
    assertEquals(await answerShifts(page.model, answer, {}), none);
    assertEquals(await answerShifts(page.model, { prompt, tokens: [] }, additions), { shift: [], kl: [] });
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
