import { html, trusted } from "./_html.ts";
import { pageText } from "./_layout.ts";

/** The page of the models' card; its markup comes from a document of the project. */
export function documentPage(card: string | null, profile: string): string {
  return pageText({
    file: "zoo.html",
    title: "Models · Small Vectors",
    description: "How the models of the study were made.",
    main: card === null
      ? html`
        <h1>Models</h1>
        <p class="missing">The profile ${profile} has no README.md beside its models.</p>
      `
      : html`<div class="document">${trusted(card)}</div>`,
    script: null,
  });
}
