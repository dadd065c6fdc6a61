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

/** Serves a folder on loopback, to this machine alone; a port of 0 is any that is free. */
export function serveFolder(
  folder: string,
  options: { readonly port: number; readonly onListen?: (url: string) => void },
): Deno.HttpServer<Deno.NetAddr> {
  const { port, onListen } = options;
  const listening = { hostname: "127.0.0.1", port, onListen: () => onListen?.(`http://127.0.0.1:${server.addr.port}/`) };
  const server: Deno.HttpServer<Deno.NetAddr> = Deno.serve(listening, async (request) => {
    const { pathname } = new URL(request.url), path = decodeURIComponent(pathname);
    const parts = (path.endsWith("/") ? `${path}index.html` : path).split("/").filter((part) => part !== "");
    if (parts.includes("..")) return new Response("not found", { status: 404 });
    try {
      const file = await Deno.readFile(`${folder}/${parts.join("/")}`);
      const type = TYPES[parts.at(-1)?.split(".").at(-1) ?? ""] ?? "application/octet-stream";
      // What has its hash in its name never changes.
      const kept = /-[0-9a-f]{10}[./]/.test(path) ? "max-age=31536000, immutable" : "no-cache";
      return new Response(file, { headers: { "content-type": type, "cache-control": kept } });
    } catch {
      return new Response("not found", { status: 404 });
    }
  });
  return server;
}
