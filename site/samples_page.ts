import type { SampleLine } from "../lib/problems/mod.ts";
import { embeddedJson, html } from "./_html.ts";
import { pageText } from "./_layout.ts";

/** One answer of a samples file, with what the vectors change at each of its tokens. */
export interface SampleView extends Pick<SampleLine, "problem" | "question" | "gold" | "seed" | "correct"> {
  /** "base", or the name of the training run whose vectors steer. */
  readonly condition: string;
  /** Why it is right or wrong. */
  readonly reason: string;
  /** Texts of the tokens. */
  readonly tokens: readonly string[];
  /** Change of each token's probability by the vectors. */
  readonly shift: readonly number[];
  /** KL(base ‖ steered) of the distribution that each token was drawn from, nats. */
  readonly kl: readonly number[];
  /** The strongest features of what the vectors change at each token, [feature, activation]; empty without an autoencoder. */
  readonly features: readonly (readonly (readonly [feature: number, activation: number])[])[];
}

/** What the samples' page begins with; answers come family by family. */
export interface SampleIndex {
  /** Families, each with a file `samples/FAMILY.json` of {@link SampleView}s. */
  readonly families: readonly string[];
  /** Conditions beside "base". */
  readonly conditions: readonly string[];
  /** The condition whose vectors colour the base model's answers. */
  readonly colouredBy: string;
  /** Features that fire most, the commonest first. */
  readonly features: readonly number[];
  /** Most problems of a family that are shown. */
  readonly problems: number;
}

/** The page of samples; without an index, how to get them. */
export function samplesPage(index: SampleIndex | null, command: string): string {
  const common = {
    file: "samples.html",
    title: "Samples · Small Vectors",
    description: "What the model says with and without vectors, token by token.",
  } as const;
  const lead = html`
    <p
      class="lead">What the model said to the same problem under the same seed, without vectors and with them. The same
    random numbers drew both answers.</p>
  `;
  if (index === null) {
    return pageText({
      ...common,
      main: html`
        <h1>Samples</h1>${lead}<p
          class="missing">There are no samples here. <code>${command}</code> keeps them; build the site again after it.</p>
      `,
      script: null,
    });
  }
  const { families, conditions, colouredBy, features, problems } = index;
  const option = (value: string, label = value) => html`<option value="${value}">${label}</option>`;
  const main = html`
    <h1>Samples</h1>
    ${lead}
    <form class="filters" id="filters">
      <div><label for="family">Family</label><select id="family">${families.map((name) =>
        option(name)
      )}</select></div>
      <div><label for="condition">Vectors</label><select id="condition">${conditions.map((name) =>
        option(name)
      )}</select></div>
      <div><label for="verdict">Verdicts</label><select id="verdict">
    ${option("", "any")}${option("mended", "wrong without, right with")}${option(
      "broken",
      "right without, wrong with",
    )}${option("right", "right with")}${option("wrong", "wrong with")}</select></div>
      <div><label for="colour">Colour</label><select id="colour">${option(
        "shift",
        "change of probability",
      )}${option("kl", "KL divergence")}${features.map((feature) =>
        option(`feature ${feature}`)
      )}</select></div>
    </form>
    <p class="legend" id="legend"></p>
    <p id="count" role="status"></p>
    <div id="pairs"></div>
    <nav class="pager"
      aria-label="Pages of samples"><button type="button" id="previous">Previous</button> <span id="page"></span> <button type="button" id="next">Next</button></nav>
    <p
      class="note">The first ${problems} held-out problems of each family at temperature 1. Answers of the base model are coloured by the vectors of
    “${colouredBy}”; features are those of the autoencoder of what these vectors change, where there is one.</p>
  `;
  const head = html`<script type="application/json" id="data">${embeddedJson(index)}</script>`;
  return pageText({ ...common, main, script: "samples.js", head });
}
