import { FAMILIES } from "../lib/problems/mod.ts";
import { embeddedJson, type Html, html } from "./_html.ts";
import { pageText } from "./_layout.ts";
import { type ExplorerManifest, LIMITS } from "./explorer_state.ts";

/** Switches of the last block, by what `--patch` calls them. */
function patches(
  heads: { readonly query: number; readonly key: number },
): readonly (readonly [string, string])[] {
  const each = (count: number) => Array.from({ length: count }, (_, head) => head);
  return [
    ["", "everything steered"],
    ["inverse-all-v", "attention: values only (V only)"],
    ["all-v", "attention: all but the values"],
    ["skip-attn", "attention sees nothing of it (Skip-Attn)"],
    ["skip-layer", "the whole block sees nothing of it"],
    ["base", "the vector is left out"],
    ...each(heads.key).map((head) => [`v:${head}`, `all but the values of key head ${head}`] as const),
    ...each(heads.query).map((head) => [`head:${head}`, `all but the output of head ${head}`] as const),
    ...each(heads.query).map((head) => [`q:${head}`, `all but the queries of head ${head}`] as const),
  ];
}

const side = (name: "base" | "steered", title: string, note: string): Html =>
  html`
    <article class="answer" aria-labelledby="title-${name}">
      <header>
        <h2 id="title-${name}">${title}</h2>
        <p class="verdict" id="verdict-${name}"></p>
      </header>
      <p class="note">${note}</p>
      <div class="said" id="answer-${name}"></div>
      <button type="button" class="plain" id="command-${name}">Copy as command</button>
    </article>
  `;

/** The page in which the steered model runs; or, without a manifest, why this build has none. */
export function explorerPage(
  build:
    | {
      readonly manifest: ExplorerManifest;
      readonly heads: { readonly query: number; readonly key: number };
      readonly routed: number;
      readonly script: string;
      readonly runtime: string;
    }
    | { readonly missing: string },
): string {
  const head = html`<script type="importmap">{"imports":{"onnxruntime-node":"./${
    "manifest" in build ? build.runtime : ""
  }"}}</script>
<script type="application/json" id="data">${
    embeddedJson("manifest" in build ? build.manifest : null)
  }</script>`;
  const lead =
    html`<p class="lead">A language model runs in this page. Choose a problem, give vectors some strength, and
read what it says without them and with them. The same seed draws the same random numbers on both sides.</p>`;
  const common = {
    file: "explorer.html",
    title: "Explorer · Small Vectors",
    description: "Steer a language model in your browser and look inside it.",
  } as const;
  if ("missing" in build) {
    const main = html`<h1>The explorer</h1>${lead}<p class="fault">${build.missing}</p>`;
    return pageText({ ...common, main, script: null });
  }
  const { manifest: { title, opener }, heads, routed, script } = build;
  const main = html`
    <h1>Touch a steered model</h1>
    ${lead}
    <p id="message" role="status">Loading.</p>
    <div
      id="loading"><progress id="progress" max="1" value="0" aria-label="Loading the model"></progress></div>
    <div class="bench">
      <form id="controls" hidden>
        <fieldset class="wide">
          <legend>Problem</legend>
          <div class="row">
            <label for="family">Family</label>
            <select id="family">${FAMILIES.map((family) =>
              html`<option value="${family}">${family}</option>`
            )}<option value="own">your own question</option></select>
            <span id="number-row" class="row"><label for="number">No.</label>
    <input id="number" type="number" min="1" max="${LIMITS.problem.most + 1}">
    <button type="button" id="another">Next problem</button></span>
          </div>
          <label for="question" class="hidden">Question</label>
          <textarea id="question" rows="2"></textarea>
        </fieldset>
        <fieldset>
          <legend>Vectors</legend>
          <div id="sets"></div>
          <details>
            <summary>One layer's own vector</summary>
            <div id="layers"></div>
          </details>
          <p class="note">From ${String(LIMITS.strength.least).replace("-", "−")} to ${LIMITS.strength
            .most}; 1 is a vector as it was trained.</p>
          <div id="drop"><label for="file">Drop a file of vectors here</label>
    <input id="file" type="file" accept=".safetensors,.gguf,.svec,.npy,.pt"></div>
        </fieldset>
        <fieldset>
          <legend>Answer</legend>
          <div
            class="row"><label for="opener">Begins with</label><input id="opener" type="text" size="10" maxlength="60" autocomplete="off">
    <button type="button" id="use-opener" aria-pressed="false">“${opener}”</button></div>
          <div class="slider"><label for="temperature">Temperature</label>
    <input id="temperature" type="range" min="0" max="${LIMITS.temperature
      .most}" step="0.1"><output id="temperature-shown" for="temperature"></output></div>
          <div
            class="row"><label for="seed">Seed</label><input id="seed" type="number" min="0" max="${LIMITS
              .seed.most}">
    <button type="button" id="next-seed">Next seed</button></div>
          <div class="row"><label for="patch">What the last block sees of layer ${routed}'s vector</label>
    <select id="patch">${patches(heads).map(([value, label]) =>
      html`<option value="${value}">${label}</option>`
    )}</select></div>
        </fieldset>
      </form>
      <div class="outcome">
        <div class="answers">
    ${side("base", title, "without vectors")}
    ${side("steered", "Steered", "with the vectors as set here")}
      </div>
        <p
          class="legend"><span class="token up" style="--weight:.8">blue</span> tokens are likelier with the vectors,
    <span class="token down" style="--weight:.8">orange</span> ones less likely; <span class="token given">underlined</span> ones were given.</p>
        <p class="row"><button type="button" id="share">Copy a link to this</button>
    <button type="button" class="plain" id="reset">Start over</button></p>
        <pre id="copied" hidden tabindex="0"></pre>
        <section id="inspector" hidden aria-live="polite">
          <h2 id="inspected">What stood behind a token</h2>
          <div class="panels">
            <section>
              <h3>The next token</h3>
              <div id="next-tokens"></div>
            </section>
            <section>
              <h3>Through the layers</h3>
              <p class="note">The stream behind each block, read through the final norm and the unembedding.</p>
              <div id="lens"></div>
            </section>
            <section class="wide">
              <h3>Where a head looks</h3>
              <div id="attention"></div>
            </section>
          </div>
        </section>
      </div>
    </div>
      <noscript><p class="fault">The explorer needs JavaScript: the model runs in it.</p></noscript>
  `;
  return pageText({ ...common, main, script, head });
}
