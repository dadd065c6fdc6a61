import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ChatTokenizer,
  openCheckpoint,
  readSafetensorsHeader,
  readTensor,
  writeCheckpoint,
} from "../../lib/checkpoint/mod.ts";
import { canonicalJson, InputError, sha256 } from "../../lib/core/mod.ts";
import { promptTokens } from "../../lib/decode/mod.ts";
import { answerMessages, corpusDocument } from "../../lib/problems/mod.ts";
import {
  CHAT_FORMATS,
  type FineTuneConfig,
  initialWeights,
  parsePretrainConfig,
  parseSteeringConfig,
  pretrain,
  pretrainRunHash,
  retemplated,
  type StartingPoint,
  startingPoint,
  steeringRunHash,
  tokenizerTexts,
} from "../../lib/train/mod.ts";
import { withFolder } from "../checkpoint/_folder.ts";
import { TINY_PRETRAIN, tinyTokenizer } from "./_tiny_models.ts";

const BASE_A = decodeURIComponent(new URL("../../fixtures/embedded/base-a", import.meta.url).pathname);
const tokenizer = await tinyTokenizer();

const { initial, ...training } = TINY_PRETRAIN.training;
const TINY_TUNE: FineTuneConfig = { ...TINY_PRETRAIN, from: "other", tokenizer: {}, training };

/** A start that is not what any seed of the run would give. */
function start(hash = "h"): StartingPoint {
  return { weights: initialWeights(TINY_PRETRAIN.model, { seed: 99, initial }), hash };
}

const run = (folder: string, options: Partial<Parameters<typeof pretrain>[1]> = {}) =>
  pretrain(TINY_TUNE, { tokenizer, folder, threads: 1, start: start(), ...options });

async function withDialogue(
  body: (tokenizer: ChatTokenizer, folder: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const files = await retemplated(BASE_A, { format: CHAT_FORMATS.dialogue });
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
    await body(await ChatTokenizer.open(folder), folder);
  });
}

Deno.test("retemplated() changes the chat template and no other byte", () =>
  withDialogue(async (dialogue, folder) => {
    const read = (name: string) => Promise.all([BASE_A, folder].map((at) => Deno.readFile(`${at}/${name}`)));
    const [tokens, copied] = await read("tokenizer.json");
    assertEquals(copied, tokens);
    const [before, after] = (await read("tokenizer_config.json")).map((bytes) =>
      new TextDecoder().decode(bytes).split("\n")
    ) as [string[], string[]];
    assertEquals(after.length, before.length);
    const changed = before.flatMap((line, i) => line === after[i] ? [] : [line.trim().slice(0, 15)]);
    assertEquals(changed, ['"chat_template"']);
    assertNotEquals(dialogue.hash, (await ChatTokenizer.open(BASE_A)).hash);
  }));

Deno.test("the dialogue format writes plain words and ends an answer with ChatML's token", () =>
  withDialogue((dialogue) => {
    const messages = answerMessages("What is 2 + 3?");
    const prompt = "system:\nPut the answer in \\boxed{}.\n\nuser:\nWhat is 2 + 3?\n\nassistant:\n";
    assertEquals(dialogue.renderChat(messages), prompt);
    assertEquals(dialogue.encode(prompt).filter((id) => dialogue.specialTokenIds.has(id)), []);
    const answered = [...messages, { role: "assistant", content: "To add." }];
    assertEquals(
      dialogue.renderChat(answered, { addGenerationPrompt: false }),
      `${prompt}To add.<|im_end|>\n\n`,
    );
    const { corpus } = TINY_PRETRAIN, format = CHAT_FORMATS.dialogue;
    const { problem, system, answer } = corpusDocument(corpus, { seed: 3, index: 0 });
    const texts = [...tokenizerTexts(corpus, { seed: 3, documents: 1, format })];
    const turns = [
      { role: "system", content: system },
      { role: "user", content: problem.question },
      { role: "assistant", content: answer },
    ];
    const whole = dialogue.renderChat(turns, { addGenerationPrompt: false });
    assertEquals(texts.join(""), whole.replace("<|im_end|>", ""));
    return Promise.resolve();
  }));

Deno.test("the border of prompt and answer is one of tokens, in training as in prompts, in every format", () =>
  withDialogue(async (dialogue) => {
    const path = new URL("../../fixtures/embedded/a-instruct.pretrain.json", import.meta.url);
    const { corpus } = parsePretrainConfig(JSON.parse(await Deno.readTextFile(path)), {
      where: "a-instruct",
    });
    for (const read of [dialogue, await ChatTokenizer.open(BASE_A)]) {
      const openers = new Set<string>();
      for (let index = 0; index < 400; index++) {
        const { problem, system, answer } = corpusDocument(corpus, { seed: 3, index });
        // What pretrain() learns from, against the tokens of the whole text.
        const learnt = [...promptTokens(read, problem.question, { system }), ...read.encode(answer)];
        const prompt = read.renderChat(answerMessages(problem.question, { system }));
        assertEquals(learnt, read.encode(`${prompt}${answer}`), answer);
        assert(learnt.length < 512, `${learnt.length} tokens are more than the model has positions`);
        openers.add(/^\P{L}*\p{L}+/u.exec(answer)?.[0] ?? "");
      }
      assert(openers.size >= 10, `only ${[...openers]}`);
    }
  }));

Deno.test("pretrain() from another model begins with its weights and leaves them alone", () =>
  withFolder(async (folder) => {
    const from = start();
    const before = structuredClone(from.weights);
    const stop = new AbortController();
    stop.abort();
    const nothing = await run(folder, { start: from, signal: stop.signal });
    assertEquals([nothing.weights, nothing.finished], [before, false]);
    const { weights, log } = await run(folder, { start: from });
    assertEquals(from.weights, before);
    assertEquals(log.length, TINY_PRETRAIN.training.steps);
    assertNotEquals(weights.get("lm_head.weight"), before.get("lm_head.weight"));
  }));

Deno.test("pretrain() from another model resumes to the same bytes, and only from the same weights", () =>
  withFolder((folder) =>
    withFolder(async (other) => {
      const stop = new AbortController();
      const onStep = ({ step }: { readonly step: number }) => step === 2 && stop.abort();
      assertEquals((await run(folder, { signal: stop.signal, onStep })).finished, false);
      await assertRejects(() => run(folder, { start: start("another") }), InputError, "has other settings");
      const resumed = await run(folder), unbroken = await run(other);
      assertEquals([resumed.weights, resumed.log], [unbroken.weights, unbroken.log]);
      assertEquals(resumed.runHash, sha256(canonicalJson({ ...TINY_TUNE, from: "h" })));
    })
  ));

Deno.test("pretrain() wants a start where there is from, and none elsewhere", () =>
  withFolder(async (folder) => {
    const options = { tokenizer, folder, threads: 1 };
    const wrong = 'Cannot tell the run of "tiny" as a starting point goes with "from"';
    await assertRejects(() => pretrain(TINY_TUNE, options), RangeError, wrong);
    await assertRejects(() => pretrain(TINY_PRETRAIN, { ...options, start: start() }), RangeError, wrong);
    const weights = new Map(start().weights);
    weights.set("model.norm.weight", new Float32Array(3));
    const misfit = '"model.norm.weight" must have 4 values';
    await assertRejects(() => run(folder, { start: { weights, hash: "h" } }), RangeError, misfit);
    assertThrows(() => pretrainRunHash(TINY_PRETRAIN, { fromHash: "h" }), RangeError, wrong);
  }));

Deno.test("pretrainRunHash() follows the weights behind from, not the path to them", () => {
  const hash = pretrainRunHash(TINY_TUNE, { fromHash: "h" });
  assertEquals(pretrainRunHash({ ...TINY_TUNE, from: "elsewhere" }, { fromHash: "h" }), hash);
  assertNotEquals(pretrainRunHash(TINY_TUNE, { fromHash: "i" }), hash);
  assertEquals(pretrainRunHash(TINY_PRETRAIN), sha256(canonicalJson(TINY_PRETRAIN)));
});

Deno.test("the shipped base A and its vectors carry the hashes of the configs that made them", async () => {
  const where = `${BASE_A}.pretrain.json`, checkpoint = await openCheckpoint(BASE_A);
  const config = parsePretrainConfig(JSON.parse(await Deno.readTextFile(where)), { where });
  const { metadata } = await readSafetensorsHeader(`${BASE_A}/model.safetensors`);
  assertEquals(metadata.get("run"), pretrainRunHash(config));
  const vectors = `${BASE_A}/../vectors/base-a/layer-3.seed-0.safetensors`;
  const run = (await readSafetensorsHeader(vectors)).metadata;
  const steering = parseSteeringConfig(JSON.parse(run.get("config") ?? ""), { where: vectors });
  assertEquals(run.get("run"), steeringRunHash(steering, { model: await checkpoint.hash() }));
});

Deno.test("startingPoint() reads every weight, and refuses a config of another model", () =>
  withFolder(async (folder) => {
    const { weights } = start();
    await writeCheckpoint(folder, { config: TINY_PRETRAIN.model, dtype: "bfloat16", weights });
    const checkpoint = await openCheckpoint(folder);
    const read = await startingPoint(TINY_TUNE, { checkpoint, where: "c.json" });
    assertEquals([...read.weights.keys()].sort(), [...weights.keys()].sort());
    for (const [name, entry] of checkpoint.weights) {
      assertEquals(read.weights.get(name), await readTensor(entry));
    }
    assertEquals(read.hash, await checkpoint.hash());
    const wider = { ...TINY_TUNE, model: { ...TINY_TUNE.model, neurons: 9 } };
    await assertRejects(
      () => startingPoint(wider, { checkpoint, where: "c.json" }),
      InputError,
      `the config's model has neurons 9, that of "from" 8: c.json (write "model" as ${folder}/config.json has it)`,
    );
  }));
