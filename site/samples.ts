/// <reference lib="dom" />
import { byId, element, pageData, shiftText, type ShownToken, tokenLine, verdictBadge } from "./_dom.ts";
import type { SampleIndex, SampleView } from "./samples_page.ts";

const index = pageData<SampleIndex>();
const PAIRS_PER_PAGE = 4;

/** KL that has the full colour, nats. */
const FULL_KL = 2;

/** Pairs of answers that a choice among verdicts leaves. */
const VERDICTS: Readonly<Record<string, (before: boolean, after: boolean) => boolean>> = {
  "": () => true,
  mended: (before, after) => !before && after,
  broken: (before, after) => before && !after,
  right: (_, after) => after,
  wrong: (_, after) => !after,
};

const chosen = (id: string): string => byId<HTMLSelectElement>(id).value;
const loaded = new Map<string, Promise<readonly SampleView[]>>();

function samplesOf(family: string): Promise<readonly SampleView[]> {
  const samples = loaded.get(family) ??
    fetch(`samples/${family}.json`).then((response) => response.json() as Promise<readonly SampleView[]>);
  loaded.set(family, samples);
  return samples;
}

/** The feature that colours tokens; NaN where something else does. */
const featureOf = (colour: string): number => Number(/^feature (\d+)$/.exec(colour)?.[1]);

/** Tokens with the colour that is chosen; `full` is the activation of a feature that has the full one. */
function shown(sample: SampleView, colour: string, full: number): readonly ShownToken[] {
  const feature = featureOf(colour);
  return sample.tokens.map((text, at) => {
    const shift = sample.shift[at] ?? 0, kl = sample.kl[at] ?? 0;
    const activation = sample.features[at]?.find(([name]) => name === feature)?.[1] ?? 0;
    const title = `${shiftText(shift)}, KL ${kl.toFixed(3)}` +
      (Number.isNaN(feature) ? "" : `, activation ${activation}`);
    return {
      text,
      title,
      colour: colour === "shift" ? shift : colour === "kl" ? kl / FULL_KL : activation / full,
    };
  });
}

function side(sample: SampleView, tokens: readonly ShownToken[]): HTMLElement {
  const { condition } = sample, name = condition === "base" ? "without vectors" : condition;
  return element(
    "article",
    { class: "answer" },
    element(
      "header",
      {},
      element("h3", {}, name),
      verdictBadge(sample),
    ),
    tokenLine(tokens, { label: `Answer ${name}` }),
  );
}

let page = 0;

async function show(): Promise<void> {
  const [family, condition, verdict, colour] = ["family", "condition", "verdict", "colour"].map(chosen) as [
    string,
    string,
    string,
    string,
  ];
  location.replace(`#${new URLSearchParams({ family, condition, verdict, colour, page: String(page) })}`);
  const samples = await samplesOf(family);
  const key = ({ problem, seed }: SampleView) => `${problem} ${seed}`;
  const steered = new Map(
    samples.filter((sample) => sample.condition === condition).map((sample) => [key(sample), sample]),
  );
  const pairs = samples.filter((sample) => sample.condition === "base").flatMap((base) => {
    const other = steered.get(key(base));
    if (other === undefined) return [];
    return VERDICTS[verdict]?.(base.correct, other.correct) ? [[base, other] as const] : [];
  });
  const fired = samples.flatMap(({ features }) =>
    features.flat().filter(([feature]) => feature === featureOf(colour))
  );
  const full = Math.max(1e-6, ...fired.map(([, activation]) => activation));
  const pages = Math.max(1, Math.ceil(pairs.length / PAIRS_PER_PAGE));
  page = Math.min(page, pages - 1);
  byId("pairs").replaceChildren(
    ...pairs.slice(page * PAIRS_PER_PAGE, (page + 1) * PAIRS_PER_PAGE).map(([base, other]) =>
      element(
        "section",
        { class: "pair" },
        element("h2", { class: "question" }, base.question),
        element("p", { class: "note" }, `right answer ${base.gold} · seed ${base.seed}`),
        element(
          "div",
          { class: "answers" },
          side(base, shown(base, colour, full)),
          side(other, shown(other, colour, full)),
        ),
      )
    ),
  );
  byId("count").textContent = `${pairs.length} ${pairs.length === 1 ? "pair" : "pairs"} of answers`;
  byId("page").textContent = `${page + 1} of ${pages}`;
  byId<HTMLButtonElement>("previous").disabled = page === 0;
  byId<HTMLButtonElement>("next").disabled = page === pages - 1;
  byId("legend").textContent = colour === "shift"
    ? "Blue tokens are likelier with the vectors, orange ones less likely."
    : colour === "kl"
    ? `The bluer a token, the more the vectors change what could have stood there; full colour from ${FULL_KL} nats.`
    : `The bluer a token, the more strongly the feature fires there; full colour at ${full.toPrecision(3)}.`;
}

/** Takes what a link says; what it does not know is left as it is. */
function openLink(): void {
  const parts = new URLSearchParams(location.hash.slice(1));
  for (const id of ["family", "condition", "verdict", "colour"]) {
    const select = byId<HTMLSelectElement>(id), value = parts.get(id);
    if ([...select.options].some((option) => option.value === value)) select.value = value ?? "";
  }
  page = Math.max(0, Math.trunc(Number(parts.get("page"))) || 0);
}

const turn = (by: number) => () => {
  page += by;
  show();
  byId("count").scrollIntoView({ block: "nearest" });
};
byId("filters").addEventListener("input", () => {
  page = 0;
  show();
});
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("previous").addEventListener("click", turn(-1));
byId("next").addEventListener("click", turn(1));
if (index.families.length > 0) {
  openLink();
  show().catch(() => byId("count").textContent = "The samples did not come: reload the page.");
}
