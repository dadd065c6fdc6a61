import { assertEquals } from "@std/assert";
import { writeRandomCheckpoint } from "../../../lib/checkpoint/mod.ts";
import { tinyConfig } from "../../checkpoint/_tiny_config.ts";
import { LanguageModel, type SessionNews } from "../../../lib/decode/mod.ts";
import { sessionProgress, tickerLine } from "../../../tasks/command/session_progress.ts";
import { withFolder } from "../../checkpoint/_folder.ts";
import { fakeTerminal } from "../_fake_terminal.ts";

const LARGE = { graph: "rollout", weightBytes: 3.1 * 2 ** 30 };
const LABEL = "making a session (rollout, weights of 3.1 GiB)";

Deno.test("a log gets a line before a session of a large model is made, and one behind with the time", async () => {
  const terminal = fakeTerminal([]),
    tell = sessionProgress(terminal, () => Promise.reject(new Error("no screen")));
  await tell({ ...LARGE, done: false });
  assertEquals(terminal.written.error, `${LABEL}\n`);
  terminal.setClock(41_000);
  await tell({ ...LARGE, done: true });
  assertEquals(terminal.written.error, `${LABEL}\n${LABEL}: 41 s\n`);
});

Deno.test("a screen has a line that moves until the session is made", async () => {
  const terminal = fakeTerminal([], { interactive: true }), events: string[] = [];
  const tell = sessionProgress(terminal, (label) => {
    events.push(label);
    return Promise.resolve({ stop: () => void events.push("stop") });
  });
  await tell({ ...LARGE, done: false });
  assertEquals([events, terminal.written.error], [[LABEL], ""]);
  terminal.setClock(2000);
  await tell({ ...LARGE, done: true });
  assertEquals([events, terminal.written.error], [[LABEL, "stop"], `\r\x1b[2K${LABEL}: 2 s\n`]);
  assertEquals(
    tickerLine(LABEL, { elapsedMs: 12_400, rss: 5 * 2 ** 29 }),
    `${LABEL}: 12 s, 2.5 GiB resident`,
  );
});

Deno.test("small models are not told of", async () => {
  for (const interactive of [false, true]) {
    const terminal = fakeTerminal([], { interactive });
    const tell = sessionProgress(terminal, () => Promise.reject(new Error("nothing to tell")));
    for (const done of [false, true]) await tell({ graph: "rollout", weightBytes: 2 ** 28 - 1, done });
    assertEquals(terminal.written.error, "");
  }
});

Deno.test("a model tells of each session once before and once behind, also of one that fails", () =>
  withFolder(async (folder) => {
    await writeRandomCheckpoint(folder, { config: tinyConfig(), dtype: "bfloat16", seed: 0 });
    const news: SessionNews[] = [];
    const model = await LanguageModel.open(folder, { threads: 1, onSession: (item) => void news.push(item) });
    const elements = [...model.checkpoint.weights.values()].reduce((sum, { length }) => sum + length / 2, 0);
    await model.run([[1, 2]]);
    await model.run([[3]]);
    const told = { graph: "sequence", weightBytes: 4 * elements };
    assertEquals(news, [{ ...told, done: false }, { ...told, done: true }]);
    await model.release();
    await Deno.remove(`${folder}/model.safetensors`);
    let fault = "";
    await model.run([[1, 2]]).catch((error) => void (fault = error.message));
    assertEquals([fault.includes("a weight file is missing"), news.length, news.at(-1)?.done], [
      true,
      4,
      true,
    ]);
  }));
