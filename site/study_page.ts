import { effectText, type Metrics, numberText } from "../lib/report/mod.ts";
import { type Html, html, trusted } from "./_html.ts";
import { pageText } from "./_layout.ts";

/** How a run went, as its run.json says. */
export interface StudyRun {
  readonly command: string;
  /** How long it took. */
  readonly time: string;
  readonly machine: string;
  /** Whether everything was measured by earlier runs. */
  readonly kept: boolean;
}

/** A table, figure or control, and what came of it. */
export interface StudyItem {
  readonly id: string;
  readonly title: string;
  /** How what it shows is known. */
  readonly itemClass: string;
  /** How this reading of the item differs from the published one. */
  readonly differences: readonly string[];
  /** The module that makes it, as a page of this site. */
  readonly module: string;
  /** Null where it was not reproduced. */
  readonly result: {
    readonly metrics: Metrics;
    readonly run: StudyRun;
    /** Pixels of the figure. */
    readonly size: readonly [width: number, height: number];
  } | null;
}

/** What the first page is made of. */
export interface Study {
  readonly profile: { readonly name: string; readonly title: string };
  readonly items: readonly StudyItem[];
  /** The table of claims, its head first; null where they were not decided. */
  readonly claims: readonly (readonly string[])[] | null;
  /** The table of profiles, from the project's own README. */
  readonly tiers: string;
}

/** What says how an item's content is known. */
const CLASSES: Readonly<Record<string, string>> = {
  caption: "known from the paper's text",
  code: "known from the authors' public code",
  review: "known from public reviews",
  inferred: "our assignment: which number the item has in the paper is inferred",
};

const KINDS = [
  ["fig", "Figures"],
  ["table", "Tables"],
  ["control", "Controls and claims"],
] as const;

const kindOf = (id: string) => KINDS.find(([start]) => id.startsWith(start))?.[0] ?? "control";

const grouped = (count: number): string => count.toLocaleString("en-GB");

const badge = (holds: boolean | null): Html =>
  holds === null
    ? html`<span class="badge open">open</span>`
    : holds
    ? html`<span class="badge good">holds</span>`
    : html`<span class="badge bad">does not hold</span>`;

/** Columns of the table of claims that the page shows, by their heads. */
const SHOWN = [
  "claim",
  "statement",
  "verdict",
  "effect [95 % interval]",
  "on the control",
  "planted there",
  "planted absent",
];

function claimsTable(claims: NonNullable<Study["claims"]>): Html {
  const [head = [], ...rows] = claims, columns = SHOWN.map((name) => head.indexOf(name));
  const verdicts: Readonly<Record<string, boolean | null>> = {
    holds: true,
    "does not hold": false,
    open: null,
  };
  const links = (row: readonly string[]): Html =>
    html`<small>${
      (row[head.indexOf("items")] ?? "").split(", ").map((id) =>
        html`
          <a href="#${id}">${id}</a>
        `
      )
    }</small>`;
  const cell = (row: readonly string[], column: number): Html => {
    const text = (row[column] ?? "").replaceAll("\\|", "|"), name = head[column];
    if (name === "verdict" && text in verdicts) return badge(verdicts[text] as boolean | null);
    return name === "statement" ? html`${text}${links(row)}` : html`${text}`;
  };
  return html`
    <div class="scroll" tabindex="0" role="region" aria-labelledby="verdicts">
      <table class="claims stacked">
        <thead>
          <tr>${columns.map((column) => html`<th scope="col">${head[column] ?? ""}</th>`)}</tr>
        </thead>
        <tbody>${rows.map((row) =>
          html`<tr id="claim-${(row[0] ?? "").replace(" ", "-")}">${
            columns.map((column, place) =>
              place === 0
                ? html`<th scope="row" data-head="claim">${cell(row, column)}</th>`
                : html`<td class="${head[column] === "statement" && "statement"}" data-head="${
                  head[column] ?? ""
                }">${cell(row, column)}</td>`
            )
          }</tr>`
        )}</tbody>
      </table>
    </div>
  `;
}

function found(metrics: Metrics): Html {
  const { claims, values } = metrics;
  if (claims.length === 0) {
    return html`<ul class="found">${
      values.slice(0, 4).map(({ name, value, unit, note }) =>
        html`<li><code>${name}</code> ${value === null ? "not applicable" : `${numberText(value)} ${unit}`}${
          note !== undefined && ` (${note.replace(/\.$/, "")})`
        }</li>`
      )
    }</ul>`;
  }
  return html`<ul class="found">${
    claims.map((claim) =>
      html`<li>${badge(claim.holds)} ${claim.statement} <span class="effect">${effectText(claim)}</span></li>`
    )
  }</ul>`;
}

function resultPart(item: StudyItem & { readonly result: NonNullable<StudyItem["result"]> }): Html {
  const { id, title, result: { metrics, run, size: [width, height] } } = item;
  const count = (verdict: string) => metrics.checks.filter((check) => check.verdict === verdict).length;
  const failed = count("fail"), passed = count("pass"), folder = `items/${id}`;
  const attested = metrics.paper?.numbers.filter(({ paper }) => paper !== null).length ?? 0;
  const summary = metrics.checks.length === 0
    ? "no expected values for these settings"
    : `${passed} of ${passed + failed} checks pass`;
  return html`
    <figure class="drawing" data-spec="${folder}/spec.vl.json">
      <img src="${folder}/figure.svg" width="${width}" height="${height}" loading="lazy"
        alt="${title}; the values are in the tables below.">
    </figure>
    <h4>What it shows here</h4>
    ${found(metrics)}
    <details class="numbers" data-metrics="${folder}/metrics.json">
      <summary>${summary}${attested > 0 && `, ${attested} numbers of the paper beside ours`}, ${Object.keys(
        metrics.inputs,
      ).length} inputs by hash</summary>
      <p><a href="${folder}/metrics.json">metrics.json</a></p>
    </details>
    <p
      class="how"><code>${run.command}</code><br>${run.time}${run.kept &&
        ", everything measured by earlier runs"}, ${run.machine}; seed ${metrics.seed}, ${metrics
        .dtype} on ${metrics.device}, ONNX Runtime ${metrics.versions.onnxruntime ?? "unknown"}</p>
  `;
}

function itemPart(item: StudyItem, profile: string): Html {
  const { id, title, itemClass, differences, module, result } = item;
  const flag = profile === "embedded" ? "" : ` --profile ${profile}`;
  return html`<article class="item" id="${id}" aria-labelledby="title-${id}">
<h3 id="title-${id}"><a class="anchor" href="#${id}">${id}</a> ${title}</h3>
<p class="note">${CLASSES[itemClass] ?? itemClass} · <a href="${module}">the module that makes it</a></p>
${
    result === null
      ? html`
        <p
          class="missing">Not reproduced here. <code>deno task reproduce ${id}${flag}</code> makes it; build the site again after it.</p>
      `
      : resultPart({ ...item, result })
  }
${
    differences.length > 0 && html`
      <details>
        <summary>How this differs from the published reading</summary>
        <ul>${differences.map((text) => html`<li>${text}</li>`)}</ul>
      </details>
    `
  }
</article>`;
}

/** The first page: claims, items, tiers. */
export function studyPage(study: Study): string {
  const { profile, items, claims, tiers } = study;
  const made = items.filter(({ result }) => result !== null),
    checks = made.flatMap(({ result }) => result?.metrics.checks ?? []);
  const passed = checks.filter(({ verdict }) => verdict === "pass").length,
    judged = checks.filter(({ verdict }) => verdict !== "not-checked").length;
  const isQuick = made.some(({ result }) => / --size[ =]quick/.test(result?.run.command ?? ""));
  const holding = claims?.slice(1).filter((row) => row[2] === "holds").length ?? 0;
  const main = html`
    <h1>Small Vectors, Big Effects, reproduced</h1>
    <p
      class="lead">Small vectors, added to the residual stream of a frozen language model and trained by reinforcement
    learning, make it reason better. This is what a study of how they do it finds on ${profile
      .title}: every table and figure of the
    paper, with the checks that hold it to recorded values. <a href="explorer.html">Touch the steered model yourself.</a></p>
    ${profile.name === "embedded" && html`
      <p
        class="caution">The models here are small ones, built so that the paper's mechanisms can exist in them. The numbers
      say whether the pipeline finds the mechanisms; they are not the paper's numbers, and claims are reported as they come out.</p>
    `}
    ${isQuick && html`
      <p
        class="caution">Items were made at quick size: the same code on few problems, so that intervals are wide and more claims stay open.</p>
    `}
    <dl class="glance">
      <div>
        <dt>items reproduced</dt>
        <dd>${made.length} <small>of ${items.length}</small></dd>
      </div>
      <div>
        <dt>checks that pass</dt>
        <dd>${grouped(passed)} <small>of ${grouped(judged)}</small></dd>
      </div>
      <div>
        <dt>claims that hold</dt>
        <dd>${claims === null ? "–" : holding} <small>${claims === null
          ? "not decided"
          : `of ${claims.length - 1}`}</small></dd>
      </div>
    </dl>
    <section>
    <h2 id="verdicts">The paper's claims</h2>
    ${claims === null
      ? html`<p class="missing">The claims were not decided here. <code>deno task reproduce claims</code> decides them.</p>`
      : html`<p>Each is decided by an effect and its interval; “open” is no verdict, and no <em>yes</em>. Four have a control on which they must fail.
Every decision is also run on planted evidence, in which the mechanism is there by construction, or is not.</p>${
        claimsTable(claims)
      }`}
    </section>
    <section>
    <h2 id="items">Tables and figures</h2>
    <form class="search" role="search"><label for="search">Search</label> <input id="search" type="search" placeholder="attention, fig5, opener …" autocomplete="off">
    <output id="matches" for="search"></output></form>
    <nav class="contents" aria-label="Items">${items.map(({ id, title, result }) =>
      html`
        <a href="#${id}" title="${title}" ${result === null
          ? html`
            class="absent"
          `
          : null}>${id}</a>
      `
    )}</nav>
    ${KINDS.map(([kind, title]) =>
      html`<h3 class="group">${title}</h3>${
        items.filter(({ id }) => kindOf(id) === kind).map((item) => itemPart(item, profile.name))
      }`
    )}
    </section>
    <section>
      <h2 id="tiers">On which models</h2>
      <div class="scroll" tabindex="0" role="region" aria-labelledby="tiers">${trusted(tiers)}</div>
    </section>
  `;
  return pageText({
    file: "index.html",
    title: "Small Vectors, Big Effects, reproduced",
    description:
      "Every table, figure and claim of the paper, recomputed, with the checks that hold them to recorded values.",
    main,
    script: "study.js",
  });
}
