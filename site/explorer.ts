/// <reference lib="dom" />
import { fetchFolder, memoryFolder } from "../lib/checkpoint/mod.ts";
import { InputError } from "../lib/core/mod.ts";
import type { Additions } from "../lib/decode/mod.ts";
import { type FamilyName, testSet } from "../lib/problems/mod.ts";
import { byId, element, pageData, shiftText, tokenLine, verdictBadge } from "./_dom.ts";
import {
  commandOf,
  type ExplorerManifest,
  type ExplorerState,
  FIRST_STATE,
  LIMITS,
  type Limits,
  parseState,
  stateText,
} from "./explorer_state.ts";
import { showToken } from "./_token_view.ts";
import { answerShifts } from "./answer_shifts.ts";
import { type Answer, PageModel } from "./page_model.ts";

const manifest = pageData<ExplorerManifest>();
const SIDES = ["base", "steered"] as const;

/** A problem as it is asked. */
interface Asked {
  readonly question: string;
  readonly gold: string | null;
}

function say(text: string, isFault = false): void {
  const message = byId("message");
  message.textContent = text;
  message.classList.toggle("fault", isFault);
}

/** A fault as a sentence for the reader; what is no fault of theirs asks to be reported. */
function sentence(error: unknown): string {
  const { message } = error instanceof Error ? error : new Error(String(error));
  const known = error instanceof InputError || error instanceof RangeError;
  const text = message.replaceAll(/memory:[^/\s]*\//g, "");
  return known
    ? `${text[0]?.toUpperCase()}${text.slice(1)}${/[.!?)]$/.test(text) ? "" : "."}`
    : `This is a fault of the page: ${text}`;
}

function askedBy({ family, number, question }: ExplorerState): Asked {
  if (family === null) return { question, gold: null };
  const problem = testSet(family, { size: number + 1 })[number];
  return { question: problem?.question ?? "", gold: problem?.answer ?? null };
}

/** The page: its controls are the state, and each change of them asks again. */
class Explorer {
  readonly #page: PageModel;
  #state = FIRST_STATE;
  #turn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(page: PageModel) {
    this.#page = page;
    this.#addSliders();
    this.#show();
    byId("controls").addEventListener("input", () => this.#changed());
    byId("controls").addEventListener("submit", (event) => event.preventDefault());
    const press = (id: string, action: () => void) => byId(id).addEventListener("click", action);
    press(
      "another",
      () =>
        this.#set({
          family: this.#state.family ?? FIRST_STATE.family,
          number: (this.#state.number + 1) % (LIMITS.problem.most + 1),
        }),
    );
    press("next-seed", () => this.#set({ seed: this.#state.seed + 1 }));
    press("use-opener", () => this.#set({ opener: this.#state.opener === "" ? manifest.opener : "" }));
    press("reset", () => this.#set(FIRST_STATE));
    press(
      "share",
      () => this.#copy(location.href, "The link is copied: it holds everything that you chose."),
    );
    for (const side of SIDES) {
      press(`command-${side}`, () => {
        const steered = side === "steered", asked = askedBy(this.#state);
        this.#copy(
          commandOf(this.#state, { manifest, ...asked, steered }),
          "The command is copied: it gives the same tokens in a terminal.",
        );
      });
    }
    globalThis.addEventListener("hashchange", () => {
      if (location.hash.slice(1) !== stateText(this.#state)) this.#openLink();
    });
    this.#listenForFiles();
    this.#openLink();
  }

  /** Takes what the page's link says; one that nobody wrote changes nothing. */
  #openLink(): void {
    try {
      this.#set(parseState(location.hash.slice(1)));
    } catch (error) {
      say(sentence(error), true);
    }
  }

  async #copy(text: string, done: string): Promise<void> {
    byId("copied").textContent = text;
    try {
      await navigator.clipboard.writeText(text);
      say(done);
    } catch {
      say("The browser does not let this page write to the clipboard: copy the line below.");
    }
    byId("copied").hidden = false;
  }

  #set(change: Partial<ExplorerState>): void {
    this.#state = { ...this.#state, ...change };
    this.#show();
    this.#ask();
  }

  #addSliders(): void {
    const known = new Set(
      [...document.querySelectorAll<HTMLElement>("[data-run]")].map(({ dataset }) => dataset.run),
    );
    for (const run of this.#page.runs) {
      if (known.has(run)) continue;
      const layer = /^layer-(\d+)$/.exec(run)?.[1], id = `strength-${run}`;
      const label = run === "all" ? "All layers" : layer === undefined ? run : `Layer ${layer}`;
      const row = element(
        "div",
        { class: "slider", "data-run": run },
        element("label", { for: id }, label),
        element("input", {
          id,
          type: "range",
          min: LIMITS.strength.least,
          max: LIMITS.strength.most,
          step: 0.25,
          value: 0,
        }),
        element("output", { for: id }, "0"),
      );
      byId(layer === undefined ? "sets" : "layers").append(row);
    }
  }

  /** Puts the state into the controls. */
  #show(): void {
    const { family, number, question, strengths, opener, temperature, seed, patch } = this.#state;
    const fill = (id: string, value: string | number) => byId<HTMLInputElement>(id).value = String(value);
    fill("family", family ?? "own");
    fill("number", number + 1);
    fill("question", askedBy(this.#state).question || question);
    for (const row of document.querySelectorAll<HTMLElement>("[data-run]")) {
      const strength = String(strengths[row.dataset.run ?? ""] ?? 0);
      (row.querySelector("input") as HTMLInputElement).value = strength;
      (row.querySelector("output") as HTMLOutputElement).value = strength.replace("-", "−");
    }
    fill("opener", opener);
    fill("temperature", temperature);
    byId<HTMLOutputElement>("temperature-shown").value = temperature === 0 ? "greedy" : String(temperature);
    fill("seed", seed);
    fill("patch", patch);
    byId("use-opener").setAttribute("aria-pressed", String(opener !== ""));
    byId<HTMLTextAreaElement>("question").readOnly = family !== null;
    byId("number-row").hidden = family === null;
  }

  /** Takes the state from the controls. */
  #changed(): void {
    const read = (id: string) => byId<HTMLInputElement>(id).value;
    const whole = (value: string, { least, most }: Limits) =>
      Math.min(most, Math.max(least, Math.trunc(Number(value)) || 0));
    const chosen = read("family"), family = chosen === "own" ? null : chosen as FamilyName;
    const strengths = [...document.querySelectorAll<HTMLElement>("[data-run]")]
      .map((row) => [row.dataset.run ?? "", Number(row.querySelector("input")?.value)] as const);
    this.#state = {
      ...this.#state,
      family,
      number: whole(String(Number(read("number")) - 1), LIMITS.problem),
      question: read("question"),
      strengths: Object.fromEntries(strengths.filter(([, strength]) => strength !== 0)),
      opener: read("opener"),
      temperature: Number(read("temperature")),
      seed: whole(read("seed"), LIMITS.seed),
      patch: read("patch"),
    };
    if (document.activeElement?.matches("textarea, input[type=text]") !== true) this.#show(); // not while one types
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), 150);
  }

  /** Answers on both sides, the base model first; a later change ends it. */
  async #ask(): Promise<void> {
    const turn = ++this.#turn,
      isCurrent = () => turn === this.#turn,
      state = this.#state,
      asked = askedBy(state);
    history.replaceState(null, "", `#${stateText(state)}`);
    document.body.dataset.answered = "false";
    byId("inspector").hidden = true;
    for (const side of SIDES) {
      byId(`answer-${side}`).replaceChildren();
      byId(`verdict-${side}`).replaceChildren();
    }
    if (asked.question.trim() === "") return say("Type a question, or choose one of the families.");
    try {
      const steered = this.#page.additions(state);
      if (state.patch !== "") {
        say("The last block's parts are rerouted: a graph of their own is made the first time.");
      }
      for (const side of SIDES) {
        const additions = side === "base" ? {} : steered;
        const answer = await this.#page.answer({
          ...asked,
          additions,
          state,
          onText: (text) => {
            if (isCurrent()) byId(`answer-${side}`).textContent = text;
            return isCurrent();
          },
        });
        if (!isCurrent()) return;
        this.#judge(side, answer);
        await this.#colour(side, answer, steered);
        if (!isCurrent()) return;
      }
      const missing = Object.keys(state.strengths).find((run) => !this.#page.runs.includes(run));
      say(
        missing === undefined
          ? "Choose a token to see what stood behind it."
          : `This link also uses the vectors of ${missing}, which it cannot hold: drop that file here.`,
        missing !== undefined,
      );
      document.body.dataset.answered = "true";
    } catch (error) {
      if (isCurrent()) say(sentence(error), true);
    }
  }

  #judge(side: typeof SIDES[number], { verdict, tokens }: Answer): void {
    byId(`answer-${side}`).dataset.tokens = tokens.join(" ");
    byId(`verdict-${side}`).append(
      verdictBadge(verdict),
      element("span", { class: "count" }, `${tokens.length} tokens`),
    );
  }

  /** Colours an answer's tokens by what the vectors change of their probability. */
  async #colour(side: typeof SIDES[number], answer: Answer, steered: Additions): Promise<void> {
    const { tokens, given } = answer, { shift, kl } = await answerShifts(this.#page.model, answer, steered);
    const shown = tokens.map((token, index) => ({
      text: this.#page.tokenizer.tokenText(token),
      colour: shift[index] as number,
      title: `${shiftText(shift[index] as number)}, KL ${kl[index]?.toFixed(3)}`,
      given: index < given,
    }));
    const line = tokenLine(shown, {
      label: `The ${side} answer, token by token`,
      onChoose: (index) => this.#inspect(answer, { steered, index }),
    });
    byId(`answer-${side}`).replaceChildren(line);
  }

  /** Shows what stood behind a token of an answer: one more run of each model, taps and all. */
  async #inspect(
    { prompt, tokens }: Answer,
    choice: { readonly steered: Additions; readonly index: number },
  ): Promise<void> {
    const turn = this.#turn, whole = [...prompt, ...tokens], { steered, index } = choice;
    try {
      const readings = {
        base: await this.#page.read(whole, {}),
        steered: await this.#page.read(whole, steered),
      };
      if (turn !== this.#turn) return;
      await showToken({ page: this.#page, tokens: whole, position: prompt.length + index - 1, readings });
    } catch (error) {
      say(sentence(error), true);
    }
  }

  #listenForFiles(): void {
    const input = byId<HTMLInputElement>("file"), zone = byId("drop");
    const take = async (file: File | undefined | null) => {
      if (file === undefined || file === null) return;
      try {
        if (file.size > 2 ** 27) {
          throw new RangeError(`${file.name} has ${file.size} bytes, too many for vectors.`);
        }
        const bytes = new Uint8Array(await file.arrayBuffer());
        const folder = memoryFolder("dropped", new Map([["file", bytes]]));
        await this.#page.addVectors(file.name, `${folder}/file`);
        this.#addSliders();
        this.#set({ strengths: { [file.name]: 1 } });
      } catch (error) {
        say(`${file.name} was not taken. ${sentence(error)}`.replaceAll(": file (", " ("), true);
      }
    };
    input.addEventListener("change", () => take(input.files?.[0]));
    zone.addEventListener("dragover", (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
    zone.addEventListener("dragleave", () => zone.classList.remove("over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      zone.classList.remove("over");
      take(event.dataTransfer?.files[0]);
    });
  }
}

async function load(): Promise<void> {
  const bar = byId<HTMLProgressElement>("progress"), megabytes = (bytes: number) => (bytes / 1e6).toFixed(1);
  let brought = 0;
  const onBytes = (bytes: number) => {
    brought += bytes;
    bar.value = brought / manifest.bytes;
    say(
      `Fetching the model, its vectors and ONNX Runtime: ${megabytes(brought)} of ${
        megabytes(manifest.bytes)
      } MB.`,
    );
  };
  const base = new URL(".", location.href).href;
  const [folder, vectors] = await Promise.all([
    fetchFolder(base + manifest.folder, { files: manifest.files, onBytes }),
    fetchFolder(base + manifest.vectors, { files: manifest.runs.map(({ file }) => file), onBytes }),
    // The runtime fetches it again, and then finds it in the browser's cache.
    fetch(base + manifest.runtime).then((response) => response.arrayBuffer()).then(({ byteLength }) =>
      onBytes(byteLength)
    ),
  ]);
  bar.removeAttribute("value");
  say("Starting ONNX Runtime and making the model's first graph.");
  const page = await PageModel.open(folder);
  for (const { run, file } of manifest.runs) await page.addVectors(run, `${vectors}/${file}`);
  byId("loading").hidden = true;
  byId<HTMLFieldSetElement>("controls").hidden = false;
  new Explorer(page);
  if ("serviceWorker" in navigator && location.protocol !== "file:") {
    await navigator.serviceWorker.register("worker.js");
  }
}

try {
  await load();
} catch (error) {
  byId("loading").hidden = true;
  say(sentence(error), true);
}
