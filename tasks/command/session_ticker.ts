/**
 * A thread that draws how long the making of a session has taken, and what memory the program holds, until it is
 * ended. Its one message is the label; it answers before it begins.
 *
 * @module
 */
import { tickerLine } from "./session_progress.ts";

const EVERY_MS = 250;

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<string>) => void) | null;
  postMessage(reply: null): void;
};

scope.onmessage = ({ data: label }) => {
  const start = performance.now(), text = new TextEncoder();
  setInterval(() => {
    const line = tickerLine(label, {
      elapsedMs: performance.now() - start,
      rss: Deno.memoryUsage().rss,
    });
    Deno.stderr.writeSync(text.encode(`\r\x1b[2K${line}`));
  }, EVERY_MS);
  scope.postMessage(null);
};
