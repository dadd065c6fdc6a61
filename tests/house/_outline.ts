/**
 * What the house rules look at, read off the syntax tree of a file, so comments and strings never count as code.
 *
 * @module
 */

/** A file of the repository: its path from the root, with forward slashes, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** What a file imports, names and says. */
export interface Outline {
  readonly imports: readonly string[];
  readonly exportsAll: readonly string[];
  readonly exportedNames: readonly string[];
  /** Names that the file declares and exports: of values, and of types. */
  readonly values: readonly string[];
  readonly types: readonly string[];
  readonly identifiers: readonly string[];
  /** Members such as `Math.random`, and `new Date`. */
  readonly members: readonly string[];
  readonly anyTypes: number;
  /** Names of skipped tests; "only" for a test that silences the others. */
  readonly skips: readonly string[];
  readonly comments: readonly string[];
}

/** The value of a string literal, wherever the tree keeps it; undefined for anything else. */
function literal(node: unknown): string | undefined {
  if (typeof node !== "object" || node === null) return undefined;
  // Every node answers to every property, so only the type of the value tells them apart.
  if ("value" in node && typeof node.value === "string") return node.value;
  return "literal" in node ? literal(node.literal) : undefined;
}

/** Reads a file's outline off its syntax tree. */
export function outline(file: SourceFile): Outline {
  const imports: string[] = [], exportsAll: string[] = [], exportedNames: string[] = [];
  const values: string[] = [], types: string[] = [];
  const identifiers: string[] = [], members: string[] = [], skips: string[] = [];
  let comments: string[] = [], anyTypes = 0;
  const addImport = (node: unknown): void => {
    const specifier = literal(node);
    if (specifier !== undefined) imports.push(specifier);
  };
  const rule: Deno.lint.Rule = {
    create: (context) => ({
      Program() {
        comments = context.sourceCode.getAllComments().map((comment) => comment.value);
      },
      ImportDeclaration: (node) => addImport(node.source),
      ImportExpression: (node) => addImport(node.source),
      TSImportType: (node) => addImport(node.argument),
      ExportAllDeclaration(node) {
        addImport(node.source);
        exportsAll.push(literal(node.source) ?? "");
      },
      ExportNamedDeclaration(node) {
        addImport(node.source);
        for (const specifier of node.specifiers) {
          if (specifier.exported.type === "Identifier") exportedNames.push(specifier.exported.name);
        }
        const { declaration } = node;
        if (declaration?.type === "VariableDeclaration") {
          for (const { id } of declaration.declarations) if (id.type === "Identifier") values.push(id.name);
        } else if (declaration !== null && "id" in declaration && declaration.id?.type === "Identifier") {
          const isValue = /^(?:Function|Class)/.test(declaration.type);
          (isValue ? values : types).push(declaration.id.name);
        }
      },
      Identifier: (node) => void identifiers.push(node.name),
      PrivateIdentifier: (node) => void identifiers.push(node.name),
      MemberExpression(node) {
        if (node.object.type === "Identifier" && node.property.type === "Identifier") {
          members.push(`${node.object.name}.${node.property.name}`);
        }
      },
      CallExpression(node) {
        if (node.callee.type !== "MemberExpression" || node.callee.property.type !== "Identifier") return;
        const kind = node.callee.property.name, inner = node.callee.object;
        const ofTest = inner.type === "MemberExpression" && context.sourceCode.getText(inner) === "Deno.test";
        if (ofTest && kind === "only") skips.push("only");
        if (ofTest && kind === "ignore") skips.push(literal(node.arguments[0]) ?? "without a name");
        if (context.sourceCode.getText(node.callee) === "Deno.test") {
          const options = node.arguments.map((argument) => context.sourceCode.getText(argument));
          const skipped = options.find((text) =>
            text.startsWith("{") && /\b(ignore|only)\s*[:,}]/.test(text)
          );
          if (skipped !== undefined) {
            skips.push(literal(node.arguments[0]) ?? /name: "([^"]*)"/.exec(skipped)?.[1] ?? "");
          }
        }
      },
      NewExpression(node) {
        if (node.callee.type === "Identifier") members.push(`new ${node.callee.name}`);
      },
      TSAnyKeyword: () => void anyTypes++,
    }),
  };
  Deno.lint.runPlugin({ name: "house", rules: { outline: rule } }, file.path, file.text);
  return {
    imports,
    exportsAll,
    exportedNames,
    values,
    types,
    identifiers,
    members,
    anyTypes,
    skips,
    comments,
  };
}
