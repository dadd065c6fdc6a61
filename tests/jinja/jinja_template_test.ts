import { assert, assertEquals, assertThrows } from "@std/assert";
import { DateFault, JinjaTemplate, TEMPLATE_LETTERS_LIMIT, TemplateFault } from "../../lib/jinja/mod.ts";

/** What jinja2 made of a template: a text, or the kind of an error. */
interface Row {
  readonly template: string;
  readonly text?: string;
  readonly error?: string;
  readonly message?: string;
}

interface Constructs {
  readonly day: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly groups: Readonly<Record<string, readonly Row[]>>;
  readonly unsupported: readonly { readonly template: string; readonly rendered: boolean }[];
}

interface Families {
  readonly day: string;
  readonly roles: Readonly<Record<string, string>>;
  readonly templates: Readonly<Record<string, string>>;
  readonly conversations: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
  readonly settings: readonly {
    readonly add_generation_prompt: boolean;
    readonly tools?: unknown;
    readonly variables?: Readonly<Record<string, unknown>>;
  }[];
  readonly rows: readonly {
    readonly template: string;
    readonly conversation: string;
    readonly setting: number;
    readonly text?: string;
    readonly error?: string;
  }[];
}

async function golden<T>(name: string): Promise<T> {
  return JSON.parse(await Deno.readTextFile(new URL(`../../fixtures/golden/${name}`, import.meta.url))) as T;
}

const constructs = await golden<Constructs>("jinja.json");
const families = await golden<Families>("chat_templates.json");
const render = (template: string): string =>
  new JinjaTemplate(template).render({ variables: constructs.variables, date: constructs.day });

for (const [group, rows] of Object.entries(constructs.groups)) {
  Deno.test(`render() gives what jinja2 gives: ${group}, ${rows.length} templates`, () => {
    for (const { template, text, error, message } of rows) {
      if (text !== undefined) assertEquals(render(template), text, template);
      else assertThrows(() => render(template), TemplateFault, "", `${template}: ${error} ${message}`);
    }
  });
}

Deno.test("the constructs are of every kind, and of those most give a text", () => {
  const rows = Object.values(constructs.groups).flat();
  assert(rows.length >= 350 && rows.filter(({ text }) => text !== undefined).length >= 250);
});

Deno.test("render() refuses what it does not know, and gives no other text than jinja2", () => {
  for (const { template, rendered } of constructs.unsupported) {
    assert(rendered, template);
    assertThrows(() => render(template), TemplateFault, "", template);
  }
});

Deno.test("render() gives what transformers gives for conversations of seven families' templates", () => {
  const templates = new Map(
    Object.entries(families.templates).map(([name, source]) => [name, new JinjaTemplate(source)]),
  );
  let given = 0;
  for (const { template, conversation, setting, text, error } of families.rows) {
    const { add_generation_prompt, tools = null, variables } = families.settings[setting]!;
    // transformers drops fields that are none before a template sees them; ChatTokenizer does the same.
    const messages = families.conversations[conversation]!.map((message) =>
      Object.fromEntries(Object.entries(message).filter(([, value]) => value !== null))
    );
    const render = (): string =>
      templates.get(template)!.render({
        variables: {
          ...families.roles,
          tools,
          documents: null,
          ...variables,
          messages,
          add_generation_prompt,
        },
        date: families.day,
      });
    const where = `${template}, ${conversation}, setting ${setting}`;
    if (text !== undefined) {
      assertEquals(render(), text, where);
      given++;
    } else if (messages.length > 0) assertThrows(render, TemplateFault, "", `${where}: ${error}`);
  }
  assert(given >= 400, `only ${given} conversations give a text`);
});

Deno.test("faults carry the words of the template, and the kind of what is missing", () => {
  assertThrows(() => render("{{ raise_exception('stop it') }}"), TemplateFault, "stop it");
  assertThrows(() => render("{{ messages[9].role }}"), TemplateFault, "list object has no element 9");
  assertThrows(() => render("{{ messages[0].x.y }}"), TemplateFault, "'dict object' has no attribute 'x'");
  assertThrows(() => new JinjaTemplate("{{ strftime_now('%d') }}").render(), DateFault);
  assertThrows(
    () => new JinjaTemplate("").render({ date: "2024-02-30" }),
    RangeError,
    'must be a day like 2024-07-26: current value is "2024-02-30"',
  );
});

Deno.test("variables are what JSON has: whole numbers are ints, maps keep their order", () => {
  const variables = { n: 2, x: 0.5, m: new Map([["2", 1], ["1", 2]]), none: undefined };
  const text = new JinjaTemplate("{{ n / 1 }} {{ n }} {{ x }} {{ m }} {{ none }}").render({ variables });
  assertEquals(text, "2.0 2 0.5 {'2': 1, '1': 2} None");
  assertThrows(
    () => new JinjaTemplate("{{ f }}").render({ variables: { f: () => 1 } }),
    TemplateFault,
    "type function",
  );
});

Deno.test("ranges run down as they run up, and some objects can be called", () => {
  const text = (source: string) => new JinjaTemplate(source).render();
  // What jinja2 says of the same.
  assertEquals(
    text("{{ range(5, 2, -1) | list }} {{ range(-3, 3, 2) | list }} {{ range(2, 5, -1) | list }}"),
    "[5, 4, 3] [-3, -1, 1] []",
  );
  assertEquals(
    text("{{ joiner() is callable }} {{ cycler(1, 2) is callable }} {{ namespace(a=1) is callable }}"),
    "True False False",
  );
});

Deno.test("a template may be as long as the limit says, and no longer", () => {
  const letters = "x".repeat(TEMPLATE_LETTERS_LIMIT);
  assertEquals(new JinjaTemplate(letters).render(), letters);
  assertThrows(() => new JinjaTemplate(`${letters}x`), TemplateFault, "more than the limit");
});
