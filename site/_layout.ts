import { type Html, html } from "./_html.ts";

/** Pages of the site, in the order of their links. */
const PAGES = [
  ["index.html", "Study"],
  ["samples.html", "Samples"],
  ["explorer.html", "Explorer"],
  ["zoo.html", "Models"],
] as const;

/** One page of the site. */
export interface Page {
  readonly file: typeof PAGES[number][0];
  readonly title: string;
  readonly description: string;
  readonly main: Html;
  /** The page's own script. */
  readonly script: string | null;
  /** What goes into the head, before the script. */
  readonly head?: Html;
}

/** A page as the text of its file: the same head, links and foot around its content. */
export function pageText({ file, title, description, main, script, head }: Page): string {
  const here = (name: string) =>
    name === file
      ? html`
        aria-current="page"
      `
      : null;
  return html`
    <!doctype html>
    <html lang="en">
      <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta name="description" content="${description}">
    <title>${title}</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="style.css">
    ${head ?? null}
    ${script === null ? null : html`<script type="module" src="${script}"></script>`}
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header class="top">
          <a class="brand" href="index.html">Small Vectors</a>
          <nav aria-label="Pages">${PAGES.map(([name, label]) =>
            html`
              <a href="${name}" ${here(name)}>${label}</a>
            `
          )}</nav>
        </header>
        <main id="main">
    ${main}
        </main>
        <footer>
          <p>A reproduction of <cite>Small Vectors, Big Effects: A Mechanistic Study of RL-Induced Reasoning via Steering
    Vectors</cite> (arXiv 2509.06608). Nothing on these pages comes from another server, and nothing is sent to one.</p>
        </footer>
      </body>
    </html>
  `.html;
}
