import { InputError } from "../../lib/core/mod.ts";

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  mjs: "text/javascript; charset=utf-8",
  json: "application/json",
  svg: "image/svg+xml",
  png: "image/png",
  txt: "text/plain; charset=utf-8",
  wasm: "application/wasm",
};

/** A folder that is being served. */
export interface FolderServer {
  /** Where a browser of this machine finds it. */
  readonly url: string;
  /** Resolves when it has ended. */
  readonly finished: Promise<void>;
  /** Ends it. */
  readonly shutdown: () => Promise<void>;
}

/** Serves a folder on loopback, to this machine alone; a port of 0 is any that is free. */
export function serveFolder(folder: string, port: number): FolderServer {
  const respond = async (request: Request): Promise<Response> => {
    try {
      const path = decodeURIComponent(new URL(request.url).pathname);
      const parts = (path.endsWith("/") ? `${path}index.html` : path).split("/").filter((part) =>
        part !== ""
      );
      if (parts.includes("..")) throw new Error("a path out of the folder");
      const file = await Deno.readFile(`${folder}/${parts.join("/")}`);
      const type = TYPES[parts.at(-1)?.split(".").at(-1) ?? ""] ?? "application/octet-stream";
      // What has its hash in its name never changes.
      const kept = /-[0-9a-f]{10}[./]/.test(path) ? "max-age=31536000, immutable" : "no-cache";
      return new Response(file, { headers: { "content-type": type, "cache-control": kept } });
    } catch {
      return new Response("not found", { status: 404 });
    }
  };
  try {
    const server = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, respond);
    return {
      url: `http://127.0.0.1:${server.addr.port}/`,
      finished: server.finished,
      shutdown: () => server.shutdown(),
    };
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AddrInUse)) throw cause;
    throw new InputError("another program listens there", {
      where: `port ${port}`,
      repair: "choose another --port",
      cause,
    });
  }
}
