import { createHash } from "node:crypto";

/** A hub in memory that answers as Hugging Face's does, for one repository at one commit. */
export interface StubHub {
  /** What it is a repository of. */
  readonly kind: "model" | "dataset";
  /** `owner/name`. */
  readonly name: string;
  readonly commit: string;
  /** Files by path. Tests change them to play a hub that lies. */
  readonly files: Map<string, Uint8Array<ArrayBuffer>>;
  /** Changes to what the listing says of a file. */
  readonly lies: Map<string, Record<string, unknown>>;
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  /** Status of every answer but 200, to play a gated model or a broken hub. */
  status: number;
  readonly fetch: typeof fetch;
}

const sha = (kind: "sha1" | "sha256", ...parts: (string | Uint8Array)[]): string => {
  const hash = createHash(kind);
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};

/** The entry of a file in the hub's listing: large files (here: binary ones) by SHA-256, others as git counts them. */
function listed(path: string, bytes: Uint8Array): Record<string, unknown> {
  const oid = sha("sha1", `blob ${bytes.length}\0`, bytes);
  const entry = { type: "file", path, size: bytes.length, oid };
  if (!/\.(safetensors|parquet)$/.test(path)) return entry;
  return {
    ...entry,
    oid: sha("sha1", path),
    lfs: { oid: sha("sha256", bytes), size: bytes.length, pointerSize: 134 },
  };
}

/** Every file below a folder by its path. */
async function filesBelow(folder: string, prefix = ""): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const { name, isFile } of Deno.readDirSync(folder)) {
    const path = `${folder}/${name}`;
    if (isFile) files.set(`${prefix}${name}`, await Deno.readFile(path));
    else for (const [below, bytes] of await filesBelow(path, `${prefix}${name}/`)) files.set(below, bytes);
  }
  return files;
}

/** A stub hub with the files of a folder. */
export async function stubHub(
  folder: string,
  options: { readonly kind?: "model" | "dataset"; readonly name?: string } = {},
): Promise<StubHub> {
  const files = await filesBelow(folder);
  const hub: StubHub = {
    kind: options.kind ?? "model",
    name: options.name ?? "ada/tiny",
    commit: "0123456789abcdef0123456789abcdef01234567",
    files,
    lies: new Map(),
    asked: [],
    status: 200,
    fetch(input, init) {
      const request = new Request(input, init), { pathname } = new URL(request.url);
      hub.asked.push(pathname);
      if (hub.status !== 200) return Promise.resolve(Response.json({ error: "no" }, { status: hub.status }));
      return Promise.resolve(answer(hub, request, decodeURIComponent(pathname)));
    },
  };
  return hub;
}

function answer(hub: StubHub, request: Request, path: string): Response {
  const { kind, name, commit, files } = hub;
  for (const revision of ["main", "v1", commit]) {
    if (path === `/api/${kind}s/${name}/revision/${revision}`) {
      return Response.json({ _id: "1", id: name, sha: commit, private: false, lastModified: "2025-01-01" });
    }
  }
  if (path === `/api/${kind}s/${name}/tree/${commit}`) {
    const all = new URL(request.url).searchParams.get("recursive") === "true";
    const entries = [...files].filter(([path]) => all || !/^[^./]+\//.test(path)).map(([path, bytes]) => ({
      ...listed(path, bytes),
      ...hub.lies.get(path),
    }));
    return Response.json([{ type: "directory", path: "original", size: 0, oid: "0".repeat(40) }, ...entries]);
  }
  const prefix = `/${kind === "model" ? "" : "datasets/"}${name}/resolve/${commit}/`,
    bytes = files.get(path.slice(prefix.length));
  if (!path.startsWith(prefix) || bytes === undefined) {
    return new Response("", { status: 404, headers: { "X-Error-Code": "EntryNotFound" } });
  }
  const etag = { ETag: `"${sha("sha1", bytes)}"` };
  if (request.headers.get("Range") === "bytes=0-0") {
    const headers = { ...etag, "Content-Range": `bytes 0-0/${bytes.length}` };
    return new Response(bytes.slice(0, 1), { status: 206, headers });
  }
  return new Response(bytes, { headers: etag });
}
