import fs from "node:fs";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

/** Where Debian puts it. */
const CHROMIUM = "/usr/bin/chromium";

/** Why there is no Chromium to test in; null where there is one. */
export async function chromiumLack(): Promise<string | null> {
  try {
    return (await Deno.stat(CHROMIUM)).isFile ? null : `${CHROMIUM} is no file`;
  } catch {
    return `there is no ${CHROMIUM}: apt-get install chromium`;
  }
}

/** The driver of browsers, which looks below /proc as it loads: to do so Deno wants every permission there is. */
async function driver(): Promise<typeof import("playwright-core")> {
  const { existsSync } = fs;
  fs.existsSync = (path) => !String(path).startsWith("/proc/") && existsSync(path);
  try {
    return await import("playwright-core");
  } finally {
    fs.existsSync = existsSync;
  }
}

/** Starts the browser for a test; it ends with it. */
export async function withBrowser(body: (browser: Browser) => Promise<void>): Promise<void> {
  const { chromium } = await driver();
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  try {
    await body(browser);
  } finally {
    await browser.close();
  }
}

/** A tab of its own; faults of its scripts, answers other than 200 and requests that leave the site fail the test. */
export async function withTab(
  browser: Browser,
  options: BrowserContextOptions & { readonly url: string; readonly path: string },
  body: (page: Page, requests: readonly string[]) => Promise<void>,
): Promise<void> {
  const { url, path, ...rest } = options, faults: string[] = [], requests: string[] = [];
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    reducedMotion: "reduce",
    ...rest,
  });
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on(
    "response",
    (response) => response.status() >= 400 && faults.push(`${response.status()} ${response.url()}`),
  );
  page.on("request", (request) => {
    requests.push(request.url());
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(url)) {
      faults.push(`asks ${request.url()}`);
    }
  });
  try {
    await page.goto(url + path);
    await body(page, requests);
    if (faults.length > 0) throw new Error(`the page ${path} has faults:\n${faults.join("\n")}`);
  } finally {
    await context.close();
  }
}
