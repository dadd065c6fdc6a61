import type { SessionNews } from "../../lib/decode/mod.ts";
import { durationText } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

/** Sessions of smaller models are there before anybody asks. */
const TOLD_BYTES = 2 ** 28;

const GIB = 2 ** 30;

/** What is being made: "making a session (rollout, weights of 3.1 GiB)". */
function sessionLabel({ graph, weightBytes }: Pick<SessionNews, "graph" | "weightBytes">): string {
  return `making a session (${graph}, weights of ${(weightBytes / GIB).toFixed(1)} GiB)`;
}

/** That, and how far it is: the time that has gone by, and the memory that the program holds. */
export function tickerLine(label: string, at: { readonly elapsedMs: number; readonly rss: number }): string {
  return `${label}: ${durationText(at.elapsedMs)}, ${(at.rss / GIB).toFixed(1)} GiB resident`;
}

/** Draws a line over and over until it is stopped. */
interface Ticker {
  stop(): void;
}

/** A ticker in a thread of its own, since the thread that makes a session can draw nothing meanwhile. */
function threadTicker(label: string): Promise<Ticker> {
  const worker = new Worker(new URL("./session_ticker.ts", import.meta.url).href, { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(event.message));
    worker.onmessage = () => resolve({ stop: () => worker.terminate() });
    worker.postMessage(label);
  });
}

/**
 * Tells of sessions of large models while they are made: on a screen a line that moves, in a log a line before and one
 * behind.
 */
export function sessionProgress(
  terminal: Terminal,
  startTicker: (label: string) => Promise<Ticker> = threadTicker,
): (news: SessionNews) => Promise<void> {
  let ticker: Ticker | null = null, startMs = 0;
  return async (news) => {
    if (news.weightBytes < TOLD_BYTES) return;
    const label = sessionLabel(news);
    if (!news.done) {
      startMs = terminal.now();
      if (terminal.interactive) ticker = await startTicker(label);
      else terminal.error(`${label}\n`);
      return;
    }
    ticker?.stop();
    ticker = null;
    const taken = `${label}: ${durationText(terminal.now() - startMs)}\n`;
    terminal.error(terminal.interactive ? `\r\x1b[2K${taken}` : taken);
  };
}
