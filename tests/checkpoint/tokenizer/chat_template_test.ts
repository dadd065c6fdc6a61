import { assert, assertEquals, assertThrows } from "@std/assert";
import { ChatTemplate } from "../../../lib/checkpoint/tokenizer/_chat_template.ts";
import { InputError } from "../../../lib/core/mod.ts";
import { TEMPLATE_LETTERS_LIMIT } from "../../../lib/jinja/mod.ts";

const MESSAGES = [{ role: "user", content: "hi" }];

Deno.test("a template is read in time with its length", () => {
  const started = performance.now();
  for (
    const source of [
      " ".repeat(199_000),
      `{{${" ".repeat(199_000)}1 }}`,
      "{".repeat(199_000),
      "{{ '".padEnd(199_000, "\\a") + "' }}",
      "\n".repeat(199_000),
      "{%".repeat(99_000),
      "{#".repeat(99_000),
      "1".repeat(199_000),
    ]
  ) {
    try {
      new ChatTemplate(source, { where: "t.jinja" });
    } catch (error) {
      assert(error instanceof InputError, String(error));
    }
  }
  // Two hundred thousand letters take some milliseconds each; their square would take minutes.
  assert(performance.now() - started < 20_000);
});

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
  assertRefused("{% for a in range(1000000000000) %}{% endfor %}", "Range too big");
  assertRefused(
    "{% for a in range(0, 1, 0.0000000000001) %}{% endfor %}",
    "cannot be interpreted as an integer",
  );
  assertRefused("{% for a in range(0, 1, 0) %}{% endfor %}", "must not be zero");
  assertRefused(
    "{% macro f(n) %}{% if n > 0 %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(200) }}",
    WORK,
  );
  // Endless recursion ends with the stack.
  assertRefused("{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}", WORK);
  assertRefused("{% for x in [[1]] recursive %}{{ loop([x]) }}{% endfor %}", WORK);
  assertRefused("{% set ns = namespace() %}{% set ns.t = ns %}{{ ns }}", WORK);
});

Deno.test("a template that grows a value without end is refused", () => {
  assertRefused(doubled(60), WORK);
  assertRefused(doubled(60, "[1]"), WORK);
  assertRefused(
    "{% set ns = namespace(t=[1]) %}{% for a in range(40) %}{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.t | tojson }}",
    WORK,
  );
  assertRefused("{% set ns = namespace(t=1) %}{% set ns.t = ns %}{% set ns.u = ns %}{{ ns.t ~ 'x' }}", WORK);
  // Equal lists that hold equal lists twice: small in memory, endless to compare, sort or write.
  const twins = "{% set ns = namespace(t=[1], u=[1]) %}{% for a in range(40) %}" +
    "{% set ns.t = [ns.t, ns.t] %}{% set ns.u = [ns.u, ns.u] %}{% endfor %}";
  for (
    const use of [
      "ns.t == ns.u",
      "ns.t < ns.u",
      "[ns.t, ns.u] | sort",
      "ns.t in [ns.u]",
      "ns.t ~ ''",
      "{ns.t: 1}",
    ]
  ) {
    assertRefused(`${twins}{{ ${use} }}`, "t.jinja");
  }
});

Deno.test("an operation whose result is the product of its operands is refused before it runs", () => {
  const million = doubled(20);
  assertRefused(`${million}{{ ns.t.replace('x', ns.t) }}`, WORK);
  assertRefused(`${million}{{ ns.t | replace('x', ns.t) }}`, WORK);
  assertRefused(`${million}{{ ns.t | join(ns.t) }}`, WORK);
  assertRefused(`${million}{{ ns.t.join(ns.t) }}`, WORK);
  for (
    const use of [
      "'x' * 10 ** 12",
      "[1] * 10 ** 9",
      "(1, 2) * 10 ** 30",
      "'x'.center(10 ** 9)",
      "'x'.ljust(10 ** 9)",
      "'x'.zfill(10 ** 9)",
      "'x' | center(10 ** 9)",
      "'\\t'.expandtabs(10 ** 9)",
      "'%1000000000d' % 1",
      "'%.1000000000f' % 1",
      "'{:1000000000}'.format(1)",
      "'{:.1000000000f}'.format(1.0)",
      "[1] | batch(10 ** 9, 2) | list",
      "[1] | slice(10 ** 9) | list",
      "2 ** (10 ** 9)",
      "(10 ** 9000) ** 9000",
      "1.5 | round(10 ** 9)",
      "[[1], [2]] | tojson(indent=10 ** 9)",
      "(['x'] * 1000) | tojson(separators=('x' * 100000, ':'))",
      "'x' | indent(10 ** 9)",
    ]
  ) assertRefused(`{{ ${use} }}`, "t.jinja");
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
    const call of [
      "''.constructor.constructor('return 1')()",
      "range.constructor('x')",
      "''.__class__.__mro__",
      "[].append(1)",
      "messages[0].update({'a': 1})",
      "messages.__proto__.x",
      "'{0.__class__.__mro__}'.format('')",
      "namespace().__init__()",
      "lookup('env', 'HOME')",
    ]
  ) assertRefused(`{{ ${call} }}`, "the chat template refuses these messages, ");
  for (
    const name of [
      "messages.__proto__",
      "''.constructor",
      "'a'.length",
      "messages.map",
      "messages[0].constructor",
      "messages[0].hasOwnProperty",
      "messages[0]['__proto__']",
      "namespace().constructor",
      "loop",
      "__builtins__",
      "Deno",
      "globalThis",
      "constructor",
      "toString",
    ]
  ) assertEquals(render(`{{ ${name} }}|`), "|", name);
  assertRefused(
    "{% include '/etc/passwd' %}",
    "cannot parse the chat template, the tag 'include' is not supported",
  );
  assertRefused(
    "{% import 'os' as os %}",
    "cannot parse the chat template, the tag 'import' is not supported",
  );
  assertRefused("{{ 'x' | constructor }}", "No filter named 'constructor'");
  assertRefused("{{ 'x' is toString }}", "No test named 'toString'");
  assertRefused("{{ strftime_now('%Y') }}", "asks for today's date");
  assertRefused("{{ raise_exception('no') }}", "refuses these messages, no");
  assertRefused("{{ raise_exception('two\nlines') }}", "refuses these messages, two lines");
});

Deno.test("a template that takes the parser too far is refused", () => {
  assertRefused(`{{ ${"(".repeat(50_000)}1${")".repeat(50_000)} }}`, WORK);
  assertRefused(`{{ ${"[".repeat(50_000)}`, WORK);
  assertRefused(`{{ ${"-".repeat(50_000)}1 }}`, WORK);
  assertRefused("{% if 1 %}".repeat(15_000), "t.jinja");
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
