import { assert, assertEquals, assertThrows } from "@std/assert";
import { ChatTemplate, TEMPLATE_LETTERS_LIMIT } from "../../lib/checkpoint/_chat_template.ts";
import { InputError } from "../../lib/core/mod.ts";

const MESSAGES = [{ role: "user", content: "hi" }];

function render(source: string, variables: Record<string, unknown> = {}): string {
  return new ChatTemplate(source, { where: "t.jinja" }).render({ messages: MESSAGES, ...variables });
}

function assertRefused(source: string, message: string): void {
  const before = Deno.memoryUsage().rss;
  const error = assertThrows(() => render(source), InputError, message);
  assert(!error.message.includes("\n") && error.message.includes("t.jinja"), error.message);
  const grownBytes = Deno.memoryUsage().rss - before;
  assert(grownBytes < 3e8, `memory grew by ${grownBytes} bytes: ${source.slice(0, 80)}`);
}

const WORK = "does more work than a conversation needs";

/** A namespace whose `t` is doubled so often that its text would have 2^times letters. */
const doubled = (times: number, start = "'x'") =>
  `{% set ns = namespace(t=${start}) %}{% for a in range(${times}) %}{% set ns.t = ns.t + ns.t %}{% endfor %}`;

Deno.test("a template that loops without end is refused", () => {
  assertRefused("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", WORK);
  assertRefused("{% for a in range(1000000000000) %}{% endfor %}", WORK);
  assertRefused("{% for a in range(0, 1, 0.0000000000001) %}{% endfor %}", WORK);
  assertRefused("{% for a in range(0, 1, 0) %}{% endfor %}", WORK);
  assertRefused(
    "{% macro f(n) %}{% if n > 0 %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(200) }}",
    WORK,
  );
  // Endless recursion ends with the stack, where a name is no longer found.
  assertRefused(
    "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}",
    "the chat template refuses these messages",
  );
});

Deno.test("a template that grows a value without end is refused", () => {
  assertRefused(doubled(60), WORK);
  assertRefused(doubled(60, "[1]"), WORK);
  assertRefused(
    "{% set ns = namespace(t=[1]) %}{% for a in range(40) %}{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.t | tojson }}",
    WORK,
  );
  assertRefused("{% set ns = namespace(t=1) %}{% set ns.t = ns %}{% set ns.u = ns %}{{ ns.t ~ 'x' }}", WORK);
});

Deno.test("an operation whose result is the product of its operands is refused before it runs", () => {
  const million = doubled(20);
  assertRefused(`${million}{{ ns.t.replace('x', ns.t) }}`, WORK);
  assertRefused(`${million}{{ ns.t | replace('x', ns.t) }}`, WORK);
  assertRefused(`${million}{{ ns.t | join(ns.t) }}`, WORK);
  assertRefused("{{ 'x\\ny' | indent(500000000) }}", WORK);
  assertRefused("{{ 'x\\ny' | indent(width=500000000) }}", WORK);
  assertRefused("{{ [[1], [2]] | tojson(indent=500000000) }}", WORK);
  assertRefused("{% filter indent(500000000) %}x\ny{% endfilter %}", WORK);
  // The method by a computed name, and a small call within the arguments of the large one.
  assertRefused(`${million}{{ ns.t['replace']('x', ns.t) }}`, WORK);
  assertRefused(
    `${million}{% macro f(t, n) %}{{ t.replace('x', t if n == 0 else (f('x', 0) ~ t)) }}{% endmacro %}{{ f(ns.t, 1) }}`,
    WORK,
  );
});

Deno.test("an operation on a short text may take a long one", () => {
  const long = "x".repeat(200);
  assertEquals(render(`{{ 'a b' | replace(' ', '${long}') }}`), `a${long}b`);
  assertEquals(render(`{{ 'a b'.replace(' ', '${long}') }}`), `a${long}b`);
  assertEquals(render(`{{ ['a', 'b'] | join('${long}') }}`), `a${long}b`);
});

Deno.test("a template cannot reach out of its conversation", () => {
  for (
    const call of ["''.constructor.constructor('return 1')()", "range.constructor('x')", "cycler.__init__()"]
  ) {
    assertRefused(`{{ ${call} }}`, "Cannot call something that is not a function");
  }
  for (const name of ["messages.__proto__", "''.constructor", "__builtins__", "self", "Deno", "globalThis"]) {
    assertEquals(render(`{{ ${name} }}|`), "|", name);
  }
  assertRefused(
    "{% include '/etc/passwd' %}",
    "cannot parse the chat template, Unknown statement type: include",
  );
  assertRefused("{% import 'os' as os %}", "cannot parse the chat template, Unknown statement type: import");
  assertRefused("{{ lookup('env', 'HOME') }}", "Cannot call something that is not a function");
  assertRefused("{{ strftime_now('%Y') }}", "asks for today's date");
  assertRefused("{{ raise_exception('no') }}", "refuses these messages, no");
});

Deno.test("a template that takes the parser too far is refused", () => {
  assertRefused(`{{ ${"(".repeat(50_000)}1${")".repeat(50_000)} }}`, "Maximum call stack size exceeded");
  assertRefused("{% if 1 %}".repeat(15_000), "cannot parse the chat template");
  assertRefused(`{{${" ".repeat(1001)}1 }}`, "more than 1000 blanks in a row");
  assertRefused("x".repeat(TEMPLATE_LETTERS_LIMIT + 1), `more than the limit ${TEMPLATE_LETTERS_LIMIT}`);
});

Deno.test("a long conversation is far within the bounds", () => {
  const source =
    "{% for m in messages %}{% if m.role == 'user' and not loop.last %}<|{{ m.role }}|>{{ m.content | trim }}" +
    "{% elif '</think>' in m.content %}{{ m.content.split('</think>')[-1].replace('a', 'b') }}{% else %}{{ m.content }}" +
    "{% endif %}{{ messages[loop.index0].content | length }};{% endfor %}";
  const content = "word and </think> word ".repeat(10);
  const messages = Array.from({ length: 2000 }, (_, i) => ({ role: i % 2 ? "assistant" : "user", content }));
  const text = render(source, { messages });
  assertEquals(text.split(";").length, 2001);
  // Per pair of turns: "<|user|>", 229 letters of the 230, "230;" and " word ", "230;".
  assertEquals(text.length, 1000 * (8 + 229 + 4 + 6 + 4));
});
